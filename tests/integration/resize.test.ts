/** Another capacity for a drive that is in use: seen at once by everyone, refused below what is reserved. */
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { cli, describeMount, type MountedDrive, mount } from '../support/mount.js';

const MIB = 2 ** 20;

/** What statfs says, which is what df shows, and status: they agree. */
async function sizeOf(drive: MountedDrive): Promise<{ mib: number; freeMib: number }> {
  const { blocks, bsize, bfree } = await statfs(drive.dir);
  const { capacityBytes, freeBytes } = await drive.status();
  expect({ capacityBytes, freeBytes }).toEqual({ capacityBytes: blocks * bsize, freeBytes: bfree * bsize });
  return { mib: capacityBytes / MIB, freeMib: freeBytes / MIB };
}

async function resized(drive: MountedDrive, size: string): Promise<string> {
  const { code, stdout, stderr } = await cli('resize', drive.dir, size);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describeMount('ramdrive resize', () => {
  it('grows and shrinks a drive with files and snapshots on it', async () => {
    const drive = await mount({ capacity: '8M' });
    await writeFile(drive.path('a'), Buffer.alloc(6 * MIB, 1));
    await expect(writeFile(drive.path('b'), Buffer.alloc(6 * MIB, 2))).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    expect(await resized(drive, '32M')).toBe(`${drive.dir} has 32 MiB now\n`);
    await writeFile(drive.path('b'), Buffer.alloc(6 * MIB, 2));
    expect(await sizeOf(drive)).toEqual({ mib: 32, freeMib: 20 });
    expect(await cli('snapshot', drive.dir, 'base')).toMatchObject({ code: 0 });
    await resized(drive, '24M');
    expect(await sizeOf(drive)).toEqual({ mib: 24, freeMib: 0 });
    const refused = await cli('resize', drive.dir, '23M');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(
      `The capacity cannot become 23 MiB (${23 * MIB} bytes), ` +
        `for files and snapshots reserve 24 MiB (${24 * MIB} bytes)`,
    );
    await rm(drive.path('b'));
    // Whole pages.
    await resized(drive, `${18 * MIB + 4095}`);
    expect(await sizeOf(drive)).toEqual({ mib: 18, freeMib: 0 });
    expect((await readFile(drive.path('a'))).equals(Buffer.alloc(6 * MIB, 1))).toBe(true);
    expect(await cli('snapshot', drive.dir, 'base', '--delete')).toMatchObject({ code: 0 });
  });

  it('refuses what is no size, and more than the machine has', async () => {
    const drive = await mount({ capacity: '8M' });
    expect(await cli('resize', drive.dir, 'lots')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^ramdrive: <size>: expected a size .* got "lots"\.\n$/),
    });
    const tooMuch = await cli('resize', drive.dir, '900G');
    expect(tooMuch).toMatchObject({ code: 1, stderr: expect.stringContaining('mount a larger one') });
    expect(await sizeOf(drive)).toEqual({ mib: 8, freeMib: 8 });
  });

  it('takes the memory of a preallocated drive at once', async () => {
    const drive = await mount({ capacity: '8M', args: ['--preallocate'] });
    await resized(drive, '40M');
    expect(await drive.status()).toMatchObject({ preallocatedBytes: 40 * MIB, committedBytes: 40 * MIB });
    await resized(drive, '16M');
    expect(await drive.status()).toMatchObject({ preallocatedBytes: 16 * MIB, committedBytes: 16 * MIB });
  });
});
