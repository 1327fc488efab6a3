/** Windows CI: has the system write a full dump to C:\dumps when node.exe or a test of WinFsp crashes. */
import { spawnSync } from 'node:child_process';

const KEY = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps';
const FULL_DUMP = '2';

for (const program of ['node.exe', 'winfsp-tests-x64.exe']) {
  for (const [name, type, value] of [
    ['DumpFolder', 'REG_EXPAND_SZ', 'C:\\dumps'],
    ['DumpType', 'REG_DWORD', FULL_DUMP],
    ['DumpCount', 'REG_DWORD', '5'],
  ]) {
    const args = ['add', `${KEY}\\${program}`, '/v', name, '/t', type, '/d', value, '/f'];
    const { status, stderr } = spawnSync('reg', args, { encoding: 'utf8' });
    if (status !== 0) {
      console.error(`reg ${args.join(' ')} failed: ${stderr}`);
      process.exitCode = 1;
    }
  }
}
