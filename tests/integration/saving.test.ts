/**
 * A save goes on beside the programs that use the drive: it holds nobody up, is one moment, and borrows only room that
 * nobody needs. An injected fault makes the disk as slow as the test wants.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile, rename, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { verifyImage } from '../../src/image/image-file.js';
import { cli, describeMount, isMounted, type MountedDrive, mount, within } from '../support/mount.js';
import type { Finished } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MIB = 2 ** 20;
const folder = temporaryFolder('saving');

/** A drive whose saves wait as long as the file `hold` is there. */
async function slowDrive(
  capacity: string,
  args: string[] = [],
): Promise<{ drive: MountedDrive; hold: string }> {
  const hold = join(folder, `hold-${performance.now()}`);
  return { drive: await mount({ capacity, args, faults: { holdSaveWhile: hold } }), hold };
}

interface HeldSave {
  image: string;
  /** Lets it come to its end. */
  goOn(): Promise<Finished>;
}

/** A save that has its moment of the drive, and waits for its disk. */
async function heldSave(drive: MountedDrive, hold: string): Promise<HeldSave> {
  writeFileSync(hold, '');
  const image = join(folder, `${performance.now()}.tar`);
  const saved = cli('save', drive.dir, image);
  // A self-check, as of drive.status(), would wait for a drive that stands still.
  const status = async () => JSON.parse((await cli('status', '--json', drive.dir)).stdout).saving;
  await expect.poll(status, { timeout: 10_000 }).toMatchObject({ path: image });
  return {
    image,
    async goOn() {
      rmSync(hold);
      return saved;
    },
  };
}

/** Loads an image into a drive of its own. */
async function loaded(image: string): Promise<MountedDrive> {
  return mount({ args: ['--image', image] });
}

describeMount('a drive that is being saved', () => {
  it('goes on, and what is saved is the moment of the command', async () => {
    const { drive, hold } = await slowDrive('64M');
    const before = Buffer.alloc(5 * MIB, 1);
    for (const name of ['written', 'cut', 'removed', 'renamed']) await writeFile(drive.path(name), before);
    const free = (await statfs(drive.dir)).bfree;
    const save = await heldSave(drive, hold);
    expect((await statfs(drive.dir)).bfree).toBe(free);
    await writeFile(drive.path('written'), Buffer.alloc(5 * MIB, 2));
    await truncate(drive.path('cut'), 10);
    await rm(drive.path('removed'));
    await rename(drive.path('renamed'), drive.path('elsewhere'));
    await writeFile(drive.path('new'), before);
    expect((await drive.status()).saving).toMatchObject({ path: save.image });
    expect((await save.goOn()).stderr).toBe('');
    const copy = await loaded(save.image);
    for (const name of ['written', 'cut', 'removed', 'renamed']) {
      expect((await readFile(copy.path(name))).equals(before)).toBe(true);
    }
    expect(existsSync(copy.path('new'))).toBe(false);
    expect((await readFile(drive.path('written'))).equals(Buffer.alloc(5 * MIB, 2))).toBe(true);
    expect((await drive.status()).saving).toBeNull();
  });

  it('lets a program that needs the borrowed room wait, and refuses it nothing', async () => {
    const { drive, hold } = await slowDrive('32M');
    await writeFile(drive.path('a'), Buffer.alloc(14 * MIB, 1));
    const save = await heldSave(drive, hold);
    const written = writeFile(drive.path('b'), Buffer.alloc(17 * MIB, 2));
    expect(await within(written, 1000)).toBeNull();
    expect((await save.goOn()).code).toBe(0);
    await written;
    expect((await readFile(drive.path('b'))).equals(Buffer.alloc(17 * MIB, 2))).toBe(true);
    expect(drive.errors).not.toContain('is full');
  });

  it('stands still meanwhile when it is too full for that, and is saved all the same', async () => {
    const { drive, hold } = await slowDrive('32M');
    await writeFile(drive.path('a'), Buffer.alloc(20 * MIB, 1));
    const save = await heldSave(drive, hold);
    const written = writeFile(drive.path('a'), Buffer.alloc(20 * MIB, 2));
    expect(await within(written, 1000)).toBeNull();
    expect((await save.goOn()).code).toBe(0);
    await written;
    const copy = await loaded(save.image);
    expect((await readFile(copy.path('a'))).equals(Buffer.alloc(20 * MIB, 1))).toBe(true);
  });

  it('is unmounted after the save, and by force without it', async () => {
    const { drive, hold } = await slowDrive('64M');
    await writeFile(drive.path('a'), Buffer.alloc(MIB, 1));
    const save = await heldSave(drive, hold);
    const unmounted = drive.unmount();
    expect(await within(unmounted, 1000)).toBeNull();
    expect((await save.goOn()).code).toBe(0);
    await unmounted;
    expect((await verifyImage(save.image, { entry() {} })).files).toBe(1);
    const forced = await slowDrive('64M');
    await writeFile(forced.drive.path('a'), Buffer.alloc(MIB, 1));
    const givenUp = await heldSave(forced.drive, forced.hold);
    const end = cli('unmount', '--force', forced.drive.dir);
    await expect.poll(() => isMounted(forced.drive.dir), { timeout: 10_000 }).toBe(false);
    expect((await givenUp.goOn()).stderr).toContain('the save was given up');
    expect((await end).code).toBe(0);
    expect(await forced.drive.exited).toMatchObject({ code: 0 });
    expect(existsSync(givenUp.image)).toBe(false);
  });
});

describeMount('`ramdrive save` to a file', () => {
  it('needs no image, follows a link, replaces an image and nothing else, and not on the drive itself', async () => {
    const drive = await mount();
    await writeFile(drive.path('a'), 'a');
    const directory = join(folder, 'elsewhere');
    mkdirSync(directory);
    const file = join(directory, 'image.tar');
    symlinkSync(file, join(folder, 'link.tar'));
    expect(await cli('save', drive.dir, join(folder, 'link.tar'))).toMatchObject({ code: 0 });
    expect((await verifyImage(file, { entry() {} })).files).toBe(1);
    await writeFile(drive.path('b'), 'b');
    expect(await cli('save', drive.dir, file)).toMatchObject({ code: 0 });
    expect((await verifyImage(file, { entry() {} })).files).toBe(2);
    writeFileSync(file, 'a letter');
    const refused = await cli('save', drive.dir, file);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('there is a file that is no image of a drive');
    expect(readFileSync(file, 'utf8')).toBe('a letter');
    symlinkSync(drive.dir, join(folder, 'to-the-drive'));
    for (const own of [drive.path('own.tar'), join(folder, 'to-the-drive', 'own.tar')]) {
      const onItself = await cli('save', drive.dir, own);
      expect(onItself).toMatchObject({ code: 1 });
      expect(onItself.stderr).toContain('lies on the drive itself');
    }
    const nameless = await cli('save', drive.dir);
    expect(nameless.stderr).toContain('The drive has no image: name a file');
  });
});
