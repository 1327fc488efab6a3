; The installer for Windows. scripts/installer.mjs calls makensis with VERSION, VERSION4, PAYLOAD, OUTPUT and, when
; WinFsp's own installer is bundled, WINFSP_MSI. It copies files and lets the program do the rest: "ramdrive service …"
; and "ramdrive temp …".
;
; Silent: /S, and /LETTER=R: /CAPACITY=2G /LABEL=text /IMAGE=file /BOOT=yes|no /TEMP=yes|no; /D=directory comes last,
; unquoted.
; Exit codes: 0 done, 1 ended by the user, 2 wrong switch or value, 3 files in use, 4 no WinFsp, 5 another setup runs,
; 6 installed, but the service or TEMP could not be set up. Why is in %TEMP%\ramdrive-setup.txt.
Target amd64-unicode
SetCompressor ${COMPRESSOR}
!include MUI2.nsh
!include nsDialogs.nsh
!include LogicLib.nsh
!include FileFunc.nsh
!include StrFunc.nsh
${StrLoc}
${StrRep}
!define KEY "Software\ramdrive"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\ramdrive"
!define PROGRAM '"$INSTDIR\node.exe" "$INSTDIR\app\dist\src\cli\main.js"'
!define CONFIG_FOLDER "$APPDATA\ramdrive"
!define CONFIG "${CONFIG_FOLDER}\drive.jsonc"
!define MENU "$SMPROGRAMS\ramdrive"
!define MIB 1048576

Name "ramdrive ${VERSION}"
OutFile "${OUTPUT}"
RequestExecutionLevel admin
InstallDir "$PROGRAMFILES64\ramdrive"
ManifestDPIAware true
ShowInstDetails show
ShowUninstDetails show
BrandingText " "
VIProductVersion ${VERSION4}
VIAddVersionKey ProductName "ramdrive"
VIAddVersionKey FileDescription "ramdrive setup"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey LegalCopyright "MIT licence"

Var Letter
Var Capacity
Var Label
Var Image
Var Boot
Var OnTemp
Var IsUpgrade
Var WasRunning
Var Problem
Var LetterBox
Var CapacityBox
Var LabelBox
Var ImageBox
Var BootBox
Var TempBox

!define MUI_ABORTWARNING
!insertmacro MUI_PAGE_WELCOME
!define MUI_PAGE_CUSTOMFUNCTION_PRE SkipWhenUpgrade
!insertmacro MUI_PAGE_DIRECTORY
Page custom DriveShow DriveLeave
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English

; Says what is wrong and ends, with an exit code that a script can read.
!macro Fail code message
  ; Where a silent run says why.
  FileOpen $9 "$TEMP\ramdrive-setup.txt" w
  FileWrite $9 `${message}`
  FileClose $9
  MessageBox MB_ICONSTOP "${message}" /SD IDOK
  SetErrorLevel ${code}
  Quit
!macroend
!define Fail "!insertmacro Fail"

; One setup or removal at a time: the silent uninstaller goes on working after its caller has returned.
!macro OnlyOne
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Global\ramdrive-setup") p .r1 ?e'
  Pop $0
  ${If} $0 = 183
    ${Fail} 5 "Another setup or removal of ramdrive is at work. Wait for its end, then try again."
  ${EndIf}
!macroend

; With TEMP on the drive this program's own parts lie there, and go when the service stops. $0: 1 when that is so; then
; the environment names Windows' own directory, for a second start of this program.
!macro LeaveDrive
  ReadRegStr $1 HKCU "${KEY}" Directory
  StrLen $2 $1
  StrCpy $3 $TEMP $2
  StrCpy $0 0
  ${If} $1 != ""
  ${AndIf} $1 == $3
    System::Call 'kernel32::SetEnvironmentVariableW(w "TEMP", w "$WINDIR\Temp")'
    System::Call 'kernel32::SetEnvironmentVariableW(w "TMP", w "$WINDIR\Temp")'
    ${GetParameters} $R0
    StrCpy $0 1
  ${EndIf}
!macroend

; $0: the exit code of "ramdrive <arguments>"; its output goes to the details.
!macro Ramdrive arguments
  DetailPrint `ramdrive ${arguments}`
  nsExec::ExecToLog '${PROGRAM} ${arguments}'
  Pop $0
!macroend
!define Ramdrive "!insertmacro Ramdrive"

!macro Switch name variable
  ClearErrors
  ${GetOptions} $R0 "/${name}=" $R1
  ${IfNot} ${Errors}
    ${If} $IsUpgrade = 1
      ${Fail} 2 "/${name} is for a first installation. This one keeps ${CONFIG}: change the drive there."
    ${EndIf}
    StrCpy ${variable} $R1
  ${EndIf}
!macroend

Function .onInit
  SetRegView 64
  SetShellVarContext all
  !insertmacro LeaveDrive
  ${If} $0 = 1
    ExecWait '"$EXEPATH" $R0 /D=$INSTDIR' $0
    SetErrorLevel $0
    Quit
  ${EndIf}
  !insertmacro OnlyOne
  StrCpy $IsUpgrade 0
  ReadRegStr $0 HKLM "${KEY}" InstallDir
  ${If} $0 != ""
  ${AndIf} ${FileExists} "$0\node.exe"
    StrCpy $INSTDIR $0
    StrCpy $IsUpgrade 1
  ${EndIf}
  StrCpy $Letter ""
  StrCpy $Capacity "1G"
  StrCpy $Label "RAM Drive"
  StrCpy $Image ""
  StrCpy $Boot "yes"
  StrCpy $OnTemp "no"
  ${GetParameters} $R0
  !insertmacro Switch LETTER $Letter
  !insertmacro Switch CAPACITY $Capacity
  !insertmacro Switch LABEL $Label
  !insertmacro Switch IMAGE $Image
  !insertmacro Switch BOOT $Boot
  !insertmacro Switch TEMP $OnTemp
  StrCpy $Problem ""
  ${If} $IsUpgrade = 0
    ${If} $Letter == ""
      Call FirstFreeLetter
    ${EndIf}
    Call CheckChoices
  ${EndIf}
  ${If} $Problem == ""
    Call CheckSwitchNames
  ${EndIf}
  ${If} $Problem != ""
    ${Fail} 2 "$Problem"
  ${EndIf}
  Call CheckWinFsp
FunctionEnd

; A switch that is not known is a choice that would be lost. /S, /NCRC and /D= are NSIS's own.
Function CheckSwitchNames
  StrCpy $R2 $R0
  ${DoWhile} $R2 != ""
    ${StrLoc} $0 $R2 " /" ">"
    ${If} $0 == ""
      StrCpy $R3 $R2
      StrCpy $R2 ""
    ${Else}
      StrCpy $R3 $R2 $0
      IntOp $0 $0 + 1
      StrCpy $R2 $R2 "" $0
    ${EndIf}
    ${Do}
      StrCpy $1 $R3 1 -1
      ${IfThen} $1 != " " ${|} ${ExitDo} ${|}
      StrCpy $R3 $R3 -1
    ${Loop}
    StrCpy $1 $R3 8
    StrCpy $2 $R3 10
    StrCpy $3 $R3 7
    StrCpy $4 $R3 6
    ${If} $1 != "/LETTER="
    ${AndIf} $2 != "/CAPACITY="
    ${AndIf} $3 != "/LABEL="
    ${AndIf} $3 != "/IMAGE="
    ${AndIf} $4 != "/BOOT="
    ${AndIf} $4 != "/TEMP="
    ${AndIf} $R3 != "/S"
    ${AndIf} $R3 != "/NCRC"
    ${AndIf} $R3 != ""
      StrCpy $Problem "$R3 is not known. Expected /S /LETTER=R: /CAPACITY=2G /LABEL=text /IMAGE=file /BOOT=yes|no /TEMP=yes|no /D=directory."
      Return
    ${EndIf}
  ${Loop}
FunctionEnd

; $0: 1 when no drive has the letter in $R4, in either case.
Function IsFree
  System::Call 'kernel32::GetLogicalDrives() i .r1'
  StrCpy $0 0
  StrCpy $3 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  ${For} $4 0 25
    StrCpy $5 $3 1 $4
    ${If} $5 == $R4
      IntOp $6 1 << $4
      IntOp $6 $6 & $1
      ${If} $6 = 0
        StrCpy $0 1
      ${EndIf}
    ${EndIf}
  ${Next}
FunctionEnd

; From R on, then from D on: $Letter, empty when none is free.
Function FirstFreeLetter
  StrCpy $Letter ""
  StrCpy $R5 "RSTUVWXYZDEFGHIJKLMNOPQ"
  ${For} $R6 0 22
    StrCpy $R4 $R5 1 $R6
    Call IsFree
    ${If} $0 = 1
    ${AndIf} $Letter == ""
      StrCpy $Letter "$R4:"
    ${EndIf}
  ${Next}
FunctionEnd

; $Problem: what is wrong with the choices, or nothing.
Function CheckChoices
  StrCpy $Problem ""
  StrLen $0 $Letter
  StrCpy $R4 $Letter 1
  StrCpy $1 $Letter 1 1
  StrCpy $2 0
  ${If} $0 = 2
  ${AndIf} $1 == ":"
    Call IsFree
    StrCpy $2 $0
  ${EndIf}
  ${If} $2 = 0
    StrCpy $Problem "The letter is $\"$Letter$\": expected a free one, such as R:"
    Return
  ${EndIf}
  Call CheckCapacity
  ${If} $Problem != ""
    Return
  ${EndIf}
  StrLen $0 $Label
  ${If} $0 > 32
    StrCpy $Problem "The label has $0 characters: expected at most 32."
    Return
  ${EndIf}
  ; It goes into the configuration as it is; others can be entered there.
  StrCpy $R6 $Label
  Call IsPlain
  ${StrLoc} $0 $Label "\" ">"
  ${If} $R7 = 0
  ${OrIf} $0 != ""
    StrCpy $Problem "The label is $\"$Label$\": expected letters, digits and signs of ASCII other than $\" and \."
    Return
  ${EndIf}
  Call CheckImage
  ${If} $Problem != ""
    Return
  ${EndIf}
  ${If} $Boot != "yes"
  ${AndIf} $Boot != "no"
    StrCpy $Problem "/BOOT is $\"$Boot$\": expected yes or no."
  ${ElseIf} $OnTemp != "yes"
  ${AndIf} $OnTemp != "no"
    StrCpy $Problem "/TEMP is $\"$OnTemp$\": expected yes or no."
  ${ElseIf} $OnTemp == "yes"
  ${AndIf} $Boot == "no"
    StrCpy $Problem "TEMP on the drive needs a drive that is there at boot."
  ${EndIf}
FunctionEnd

; $R7: 1 when the text in $R6 has only signs of ASCII, and no quotes.
Function IsPlain
  StrCpy $R7 1
  StrLen $0 $R6
  ${For} $1 1 $0
    IntOp $2 $1 - 1
    StrCpy $3 $R6 1 $2
    System::Call '*(&w1 r3) p .r4'
    System::Call '*$4(&i2 .r5)'
    System::Free $4
    ${If} $5 < 32
    ${OrIf} $5 > 126
    ${OrIf} $5 = 34
      StrCpy $R7 0
    ${EndIf}
  ${Next}
FunctionEnd

; None, or a file in a folder that is there: an empty drive would otherwise find out at its end that it cannot be saved.
Function CheckImage
  ${If} $Image == ""
    Return
  ${EndIf}
  StrCpy $R6 $Image
  Call IsPlain
  StrCpy $0 $Image 2 1
  StrCpy $1 $Image "" -1
  ${GetParent} $Image $2
  ${If} $R7 = 0
  ${OrIf} $0 != ":\"
  ${OrIf} $1 == "\"
    StrCpy $Problem "The image is $\"$Image$\": expected a file such as C:\ProgramData\drive.tar, in ASCII."
    Return
  ${EndIf}
  StrCpy $0 $Image 1
  StrCpy $1 $Letter 1
  ${If} $0 == $1
    StrCpy $Problem "The image $Image would lie on the drive itself. Choose a place elsewhere."
  ${ElseIf} ${FileExists} "$Image\*.*"
    StrCpy $Problem "The image $Image is a folder: expected a file in it."
  ${ElseIfNot} ${FileExists} "$2\*.*"
    StrCpy $Problem "The image is $Image, but there is no folder $2. Make it first."
  ${EndIf}
FunctionEnd

; A whole number with M or G, from 1 MiB to the memory of this machine.
Function CheckCapacity
  StrCpy $0 $Capacity "" -1
  StrCpy $1 $Capacity -1
  StrCpy $2 0
  ${If} $0 == "M"
    StrCpy $2 1
  ${ElseIf} $0 == "G"
    StrCpy $2 1024
  ${EndIf}
  StrLen $3 $1
  IntOp $4 $1 + 0
  ${If} $2 = 0
  ${OrIf} $3 = 0
  ${OrIf} $3 > 6
  ${OrIf} $4 != $1
  ${OrIf} $4 < 1
    StrCpy $Problem "The capacity is $\"$Capacity$\": expected a number with M or G, such as 512M or 2G."
    Return
  ${EndIf}
  IntOp $R7 $4 * $2
  System::Call '*(i 64, i, l, l, l, l, l, l, l) p .r5'
  System::Call 'kernel32::GlobalMemoryStatusEx(p r5)'
  System::Call '*$5(i, i, l .r6)'
  System::Free $5
  System::Int64Op $6 / ${MIB}
  Pop $6
  ${If} $R7 > $6
    StrCpy $Problem "The capacity is $Capacity: this machine has $6M of memory."
  ${EndIf}
FunctionEnd

; WinFsp 1.10 or later, or its installer in here.
Function CheckWinFsp
  ReadRegStr $0 HKLM "SOFTWARE\WOW6432Node\WinFsp" InstallDir
  StrCpy $R8 0
  ${If} $0 != ""
  ${AndIf} ${FileExists} "$0\bin\winfsp-x64.dll"
    ClearErrors
    GetDLLVersion "$0\bin\winfsp-x64.dll" $1 $2
    IntOp $3 $1 >> 16
    IntOp $4 $1 & 0xFFFF
    ${If} ${Errors}
    ${OrIf} $3 > 1
      StrCpy $R8 1
    ${ElseIf} $3 = 1
    ${AndIf} $4 >= 10
      StrCpy $R8 1
    ${EndIf}
  ${EndIf}
  !ifndef WINFSP_MSI
    ${If} $R8 = 0
      ${Fail} 4 "WinFsp 1.10 or later is not installed. Install it first: winget install WinFsp.WinFsp"
    ${EndIf}
  !endif
FunctionEnd

Function SkipWhenUpgrade
  ${If} $IsUpgrade = 1
    Abort
  ${EndIf}
FunctionEnd

Function DriveShow
  Call SkipWhenUpgrade
  !insertmacro MUI_HEADER_TEXT "The drive" "What it is called, how large it is, and when it is there."
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 2u 70u 12u "Letter:"
  Pop $0
  ${NSD_CreateDropList} 75u 0 40u 120u ""
  Pop $LetterBox
  StrCpy $R5 "DEFGHIJKLMNOPQRSTUVWXYZ"
  ${For} $R6 0 22
    StrCpy $R4 $R5 1 $R6
    Call IsFree
    ${If} $0 = 1
      ${NSD_CB_AddString} $LetterBox "$R4:"
    ${EndIf}
  ${Next}
  ${NSD_CB_SelectString} $LetterBox $Letter
  ${NSD_CreateLabel} 0 24u 70u 12u "Capacity:"
  Pop $0
  ${NSD_CreateText} 75u 22u 60u 13u $Capacity
  Pop $CapacityBox
  ${NSD_CreateLabel} 140u 24u 150u 12u "such as 512M or 2G"
  Pop $0
  ${NSD_CreateLabel} 0 46u 70u 12u "Label:"
  Pop $0
  ${NSD_CreateText} 75u 44u 120u 13u $Label
  Pop $LabelBox
  ${NSD_CreateLabel} 0 68u 70u 12u "Image, if any:"
  Pop $0
  ${NSD_CreateFileRequest} 75u 66u 160u 13u $Image
  Pop $ImageBox
  ${NSD_CreateBrowseButton} 238u 66u 50u 13u "B&rowse..."
  Pop $0
  ${NSD_OnClick} $0 BrowseImage
  ${NSD_CreateCheckBox} 0 84u 100% 12u "Mount it when Windows starts"
  Pop $BootBox
  ${If} $Boot == "yes"
    ${NSD_Check} $BootBox
  ${EndIf}
  ${NSD_CreateCheckBox} 0 98u 100% 12u "Put my temporary files on it (TEMP and TMP of this user)"
  Pop $TempBox
  ${If} $OnTemp == "yes"
    ${NSD_Check} $TempBox
  ${EndIf}
  ${NSD_CreateLabel} 0 114u 100% 24u "What is on the drive is gone when it is unmounted or Windows ends, unless an image keeps it: \
it is saved there at the end and loaded at the start."
  Pop $0
  nsDialogs::Show
FunctionEnd

Function BrowseImage
  Pop $0
  ${NSD_GetText} $ImageBox $0
  nsDialogs::SelectFileDialog save "$0" "Images (*.tar)|*.tar|All files|*.*"
  Pop $0
  ${If} $0 != ""
    ${NSD_SetText} $ImageBox $0
  ${EndIf}
FunctionEnd

Function DriveLeave
  ${NSD_GetText} $LetterBox $Letter
  ${NSD_GetText} $CapacityBox $Capacity
  ${NSD_GetText} $LabelBox $Label
  ${NSD_GetText} $ImageBox $Image
  StrCpy $Boot "no"
  ${NSD_GetState} $BootBox $0
  ${If} $0 = ${BST_CHECKED}
    StrCpy $Boot "yes"
  ${EndIf}
  StrCpy $OnTemp "no"
  ${NSD_GetState} $TempBox $0
  ${If} $0 = ${BST_CHECKED}
    StrCpy $OnTemp "yes"
  ${EndIf}
  Call CheckChoices
  ${If} $Problem != ""
    MessageBox MB_ICONEXCLAMATION "$Problem"
    Abort
  ${EndIf}
FunctionEnd

; Before anything is replaced: the service stopped, and node.exe free, or all as it was.
Function MakeRoom
  StrCpy $WasRunning 0
  ${If} $IsUpgrade = 0
    Return
  ${EndIf}
  ${Ramdrive} "service status"
  ${If} $0 = 0
    StrCpy $WasRunning 1
    ${Ramdrive} "service stop"
    ${If} $0 != 0
      ${Fail} 3 "The service could not be stopped; nothing was changed."
    ${EndIf}
  ${EndIf}
  ClearErrors
  FileOpen $1 "$INSTDIR\node.exe" a
  ${If} ${Errors}
    ${If} $WasRunning = 1
      ${Ramdrive} "service start"
    ${EndIf}
    ${Fail} 3 "A program of ramdrive is running, such as a drive in a console. End it, then try again; nothing was changed."
  ${EndIf}
  FileClose $1
  RMDir /r "$INSTDIR\app"
FunctionEnd

Function WriteConfiguration
  ${If} ${FileExists} "${CONFIG}"
    Return
  ${EndIf}
  CreateDirectory "${CONFIG_FOLDER}"
  FileOpen $1 "${CONFIG}" w
  FileWrite $1 '// The RAM drive of this machine. After a change: restart it (Start menu, ramdrive).$\r$\n{$\r$\n'
  FileWrite $1 '  "mountPoint": "$Letter",$\r$\n  "capacity": "$Capacity",$\r$\n  "label": "$Label",$\r$\n'
  ${If} $Image != ""
    ${StrRep} $0 $Image "\" "\\"
    FileWrite $1 '  "image": "$0",$\r$\n'
  ${EndIf}
  FileWrite $1 '  "initialDirectories": ["\\Temp"]$\r$\n}$\r$\n'
  FileClose $1
FunctionEnd

; "Run as administrator" of a shell link: SLDF_RUNAS_USER, bit 13 of the flags at offset 20.
!macro AsAdministrator link
  FileOpen $1 "${link}" a
  FileSeek $1 21
  FileReadByte $1 $2
  IntOp $2 $2 | 0x20
  FileSeek $1 21
  FileWriteByte $1 $2
  FileClose $1
!macroend

; What is for administrators asks for their rights: the service is the system's, and so is its configuration. Without a
; service the drive is mounted in a console.
Function StartMenu
  RMDir /r "${MENU}"
  CreateDirectory "${MENU}"
  CreateShortCut "${MENU}\Status.lnk" "$SYSDIR\cmd.exe" \
    '/k ""$INSTDIR\ramdrive.cmd" service status & "$INSTDIR\ramdrive.cmd" status"'
  !insertmacro AsAdministrator "${MENU}\Status.lnk"
  CreateShortCut "${MENU}\Edit configuration.lnk" "$SYSDIR\notepad.exe" '"${CONFIG}"'
  !insertmacro AsAdministrator "${MENU}\Edit configuration.lnk"
  ReadRegStr $0 HKLM "SYSTEM\CurrentControlSet\Services\ramdrive" ImagePath
  ${If} $0 != ""
    CreateShortCut "${MENU}\Restart.lnk" "$SYSDIR\cmd.exe" \
      '/k ""$INSTDIR\ramdrive.cmd" service stop & "$INSTDIR\ramdrive.cmd" service start"'
    !insertmacro AsAdministrator "${MENU}\Restart.lnk"
  ${Else}
    CreateShortCut "${MENU}\Mount.lnk" "$SYSDIR\cmd.exe" \
      '/k ""$INSTDIR\ramdrive.cmd" mount --config "${CONFIG}""'
  ${EndIf}
  CreateShortCut "${MENU}\Uninstall.lnk" "$INSTDIR\uninstall.exe"
FunctionEnd

Function UninstallEntry
  WriteRegStr HKLM "${KEY}" InstallDir "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL_KEY}" DisplayName "ramdrive"
  WriteRegStr HKLM "${UNINSTALL_KEY}" DisplayVersion "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL_KEY}" Publisher "ramdrive"
  WriteRegStr HKLM "${UNINSTALL_KEY}" InstallLocation "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL_KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL_KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" NoModify 1
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" NoRepair 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" EstimatedSize $0
FunctionEnd

; $R9 counts what did not work; the program says why in the details.
Function SetUp
  StrCpy $R9 0
  ${If} $IsUpgrade = 1
    ${If} $WasRunning = 1
      ${Ramdrive} "service start"
      IntOp $R9 $R9 + $0
    ${EndIf}
    Return
  ${EndIf}
  ${If} $Boot == "yes"
    ${Ramdrive} 'service install --config "${CONFIG}"'
    IntOp $R9 $R9 + $0
    ${Ramdrive} "service start"
    IntOp $R9 $R9 + $0
  ${EndIf}
  ${If} $OnTemp == "yes"
    ${Ramdrive} "temp on"
    IntOp $R9 $R9 + $0
  ${EndIf}
FunctionEnd

Section
  SetRegView 64
  SetShellVarContext all
  !ifdef WINFSP_MSI
    ${If} $R8 = 0
      InitPluginsDir
      File "/oname=$PLUGINSDIR\winfsp.msi" "${WINFSP_MSI}"
      ExecWait '"$SYSDIR\msiexec.exe" /i "$PLUGINSDIR\winfsp.msi" /qn /norestart' $0
      ${If} $0 != 0
      ${AndIf} $0 != 3010
        ${Fail} 4 "The installer of WinFsp ended with $0."
      ${EndIf}
    ${EndIf}
  !endif
  Call MakeRoom
  SetOutPath "$INSTDIR"
  ClearErrors
  File /r "${PAYLOAD}/*.*"
  ${If} ${Errors}
    ${Fail} 3 "Not all files could be written to $INSTDIR."
  ${EndIf}
  WriteUninstaller "$INSTDIR\uninstall.exe"
  Call WriteConfiguration
  Call UninstallEntry
  Call SetUp
  Call StartMenu
  ${If} $R9 != 0
    MessageBox MB_ICONEXCLAMATION "ramdrive is installed, but not everything could be set up: see the details." /SD IDOK
    SetErrorLevel 6
  ${EndIf}
SectionEnd

Function un.onInit
  SetRegView 64
  SetShellVarContext all
  !insertmacro LeaveDrive
  ${If} $0 = 1
    ; Not waited for: this copy of the program lies on the drive itself.
    Exec '"$INSTDIR\uninstall.exe" $R0'
    Quit
  ${EndIf}
  !insertmacro OnlyOne
FunctionEnd

Section Uninstall
  SetRegView 64
  SetShellVarContext all
  ; Says that there is nothing to restore when TEMP was never on.
  ${Ramdrive} "temp off"
  ${Ramdrive} "unregister"
  ${Ramdrive} "service uninstall"
  ClearErrors
  FileOpen $1 "$INSTDIR\node.exe" a
  ${If} ${Errors}
    ${Fail} 3 "A program of ramdrive is running. End it, then try again."
  ${EndIf}
  FileClose $1
  RMDir /r "$INSTDIR\app"
  Delete "$INSTDIR\node.exe"
  Delete "$INSTDIR\node-LICENSE.txt"
  Delete "$INSTDIR\ramdrive.cmd"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  RMDir /r "${MENU}"
  RMDir /r "${CONFIG_FOLDER}"
  RMDir /r "$SYSDIR\config\systemprofile\AppData\Local\ramdrive"
  SetShellVarContext current
  RMDir /r "$LOCALAPPDATA\ramdrive"
  DeleteRegKey HKLM "${UNINSTALL_KEY}"
  DeleteRegKey HKLM "${KEY}"
SectionEnd
