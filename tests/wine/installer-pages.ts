/**
 * Windows: the installer by its pages, as a user clicks through it (wizard.ts): bad input in each field, the choices
 * that are made, an upgrade, a change of mind, and the removal, after which the prefix is what it was. Mounts are
 * scripted (mounting.ts), and Wine draws nothing, so how the pages look is not shown.
 *
 *   installer-pages.js <path of the setup program>
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../../src/os/registry.js';
import { check } from './check.js';
import { CONFIG, differences, everything, INSTALLED, ramdrive, service, until } from './installed.js';
import { Wizard } from './wizard.js';

const [setup] = process.argv.slice(2) as [string];
const IMAGES = 'C:\\ramdrive pages';
const IMAGE = `${IMAGES}\\drive.tar`;
const [CAPACITY, LABEL, IMAGE_FILE] = [0, 1, 2];
const AT_BOOT = 'Mount it when Windows starts';
const TEMP_ON_IT = 'Put my temporary files on it';

/** Runs one wizard, which does not outlive it. */
async function through(
  program: string,
  args: string[],
  work: (wizard: Wizard) => Promise<void>,
): Promise<void> {
  const wizard = new Wizard(program, ...args);
  try {
    await work(wizard);
  } finally {
    wizard.kill();
  }
}

async function toThePageOfTheDrive(wizard: Wizard): Promise<void> {
  await wizard.press('Next');
  await wizard.shows('Destination Folder');
  await wizard.press('Next');
  await wizard.shows('Capacity:');
}

/** What the page says to the choices as they are; it stays. */
async function refusal(wizard: Wizard): Promise<string> {
  await wizard.press('Install');
  const text = await wizard.message('OK');
  await wizard.shows('Capacity:');
  return text;
}

async function giveUp(wizard: Wizard): Promise<void> {
  await wizard.press('Cancel');
  assert.match(await wizard.message('Yes'), /sure you want to quit/);
  assert.equal(await wizard.ended, 1);
}

// What other programs of this suite have left there goes with the removal, too.
rmSync(join(process.env.LOCALAPPDATA!, 'ramdrive'), { recursive: true, force: true });
mkdirSync(IMAGES, { recursive: true });
const before = everything();
const args = [`/D=${INSTALLED}`];

await check('pages: bad input in each field is told, and the page stays', () =>
  through(setup, args, async (wizard) => {
    await toThePageOfTheDrive(wizard);
    const letters = wizard.choices();
    assert.ok(letters.includes('R:') && !letters.includes('C:') && !letters.includes('Z:'), letters.join());
    for (const [field, good, wrong] of [
      [
        CAPACITY,
        '64M',
        [
          ['much', /The capacity is "much": expected a number with M or G/],
          ['', /The capacity is ""/],
          ['0M', /The capacity is "0M"/],
          ['1.5G', /The capacity is "1.5G"/],
          ['999999G', /this machine has \d+M of memory/],
        ],
      ],
      [
        LABEL,
        'Pages',
        [
          ['back\\slash', /The label is "back\\slash"/],
          ['dr\u00efve', /expected letters, digits and signs of ASCII/],
          ['x'.repeat(33), /The label has 33 characters: expected at most 32/],
        ],
      ],
      [
        IMAGE_FILE,
        '',
        [
          ['drive.tar', /drive\.tar/],
          ['C:\\nowhere\\drive.tar', /there is no folder C:\\nowhere/],
          ['C:\\windows', /is a folder: expected a file in it/],
          ['R:\\drive.tar', /would lie on the drive itself/],
        ],
      ],
    ] as const) {
      for (const [text, complaint] of wrong) {
        wizard.fill(field, text);
        assert.match(await refusal(wizard), complaint);
      }
      wizard.fill(field, good);
    }
    await wizard.tick(AT_BOOT, false);
    await wizard.tick(TEMP_ON_IT, true);
    assert.match(await refusal(wizard), /TEMP/);
    await giveUp(wizard);
  }),
);

await check('pages: one who leaves has changed nothing', () => {
  assert.ok(before.size > 1000);
  assert.deepEqual(differences(before, everything()), []);
});

await check('pages: what was chosen is installed, and runs', async () => {
  await through(setup, args, async (wizard) => {
    await toThePageOfTheDrive(wizard);
    wizard.choose('V:');
    wizard.fill(CAPACITY, '64M');
    wizard.fill(LABEL, 'Pages');
    wizard.fill(IMAGE_FILE, IMAGE);
    await wizard.tick(AT_BOOT, true);
    await wizard.tick(TEMP_ON_IT, false);
    await wizard.press('Install');
    await wizard.press('Finish');
    assert.equal(await wizard.ended, 0);
  });
  const config = readFileSync(CONFIG, 'utf8');
  for (const part of ['"mountPoint": "V:"', '"capacity": "64M"', '"label": "Pages"', JSON.stringify(IMAGE)])
    assert.ok(config.includes(part), config);
  assert.ok(textOf(service.read('ImagePath'))?.startsWith(`"${INSTALLED}\\node.exe" "`));
  assert.equal(ramdrive('service', 'status'), 0);
  assert.equal(ramdrive('status', 'V:'), 0);
});

await check('pages: an upgrade asks for nothing, and keeps the configuration', async () => {
  const config = readFileSync(CONFIG, 'utf8');
  await through(setup, [], async (wizard) => {
    // No page for the folder, and none for the drive.
    await wizard.press('Next');
    await wizard.press('Finish');
    assert.equal(await wizard.ended, 0);
  });
  assert.equal(readFileSync(CONFIG, 'utf8'), config);
  assert.equal(ramdrive('service', 'status'), 0);
});

await check('pages: removal leaves nothing but the image', async () => {
  // `_?=` keeps the program that asks from going on as a copy elsewhere, which nobody could wait for.
  await through(join(INSTALLED, 'uninstall.exe'), [`_?=${INSTALLED}`], async (wizard) => {
    await wizard.press('Uninstall');
    await wizard.press('Close');
    assert.equal(await wizard.ended, 0);
  });
  rmSync(join(INSTALLED, 'uninstall.exe'), { force: true });
  rmSync(INSTALLED, { recursive: true, force: true });
  await until(() => existsSync(IMAGE));
  rmSync(IMAGE);
  assert.deepEqual(differences(before, everything()), []);
  rmSync(IMAGES, { recursive: true });
});
