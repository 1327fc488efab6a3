import { describe, expect, it } from 'vitest';
import { BACKGROUND_LOG_VARIABLE, backgroundLog } from '../../../../src/cli/mount/mount-in-background.js';

describe('the log of a process in the background', () => {
  it.each([undefined, '/etc/passwd', '../../etc/passwd', '0123456789abcdef.0123456789abcdef.log/../x'])(
    'is no file that a variable names: %s',
    (value) => {
      expect(backgroundLog({ [BACKGROUND_LOG_VARIABLE]: value })).toBeNull();
    },
  );

  it('lies in the runtime directory', () => {
    const name = '0123456789abcdef.fedcba9876543210.log';
    expect(backgroundLog({ [BACKGROUND_LOG_VARIABLE]: name })).toMatch(
      new RegExp(`/\\.?ramdrive.*/${name}$`),
    );
  });
});
