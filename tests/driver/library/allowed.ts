/** Where the stand-in may differ from WinFsp's own library, each with its reason. */
import type { Allowed } from './sides.js';

/** S-1-5-21-0-0-0-513, the group of Wine's user, as a SID. */
const WINE_USER = '01050000000000051500000000000000000000000000000001020000';

export const ALLOWED: readonly Allowed[] = [
  {
    id: 'Win32 errors that are not told apart',
    reason:
      'The stand-in has the codes that file systems meet. The others become 0x8007 and the code, as they do for most codes in the original, too.',
    matches: ({ area, input, standIn }) =>
      area === 'FspNtStatusFromWin32' && standIn === (0x80070000 + Number(input)).toString(16),
  },
  {
    id: 'how much a device control may answer',
    reason:
      'The stand-in bounds it by the room that an answer has; the original passes on what the request says.',
    matches: ({ area, input }) =>
      area === 'FspFileSystemOpDeviceControl' &&
      JSON.stringify(input).includes('"Req.DeviceControl.OutputLength":99999'),
  },
  {
    id: 'the default list of a token',
    reason:
      "Where nothing is inherited, a new file gets the list of the opener's token: who that is depends on the system.",
    matches: ({ genuine }) => JSON.stringify(genuine).includes(WINE_USER),
  },
];
