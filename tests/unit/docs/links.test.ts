/**
 * Every relative link of every document leads to a file, and every anchor to a heading. Not of docs/api, which is made
 * by a program that sees to its own links.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { execaSync } from 'execa';
import { expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;
const documents = execaSync('git', ['ls-files', '*.md', ':!docs/api'], { cwd: root })
  .stdout.split('\n')
  .filter((file) => existsSync(path.join(root, file)));

it('there are documents to look at', () => {
  expect(documents).toContain('README.md');
  expect(documents).toContain('ARCHITECTURE.md');
});

it.each(documents)('links of %s lead somewhere', (document) => {
  const broken: string[] = [];
  for (const [, link] of proseOf(read(document)).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link!)) continue;
    const [file, anchor] = link!.split('#') as [string, string?];
    const target = file === '' ? document : path.join(path.dirname(document), file);
    if (!existsSync(path.join(root, target))) {
      broken.push(link!);
    } else if (anchor && target.endsWith('.md') && !anchorsOf(target).includes(anchor)) {
      broken.push(link!);
    }
  }
  expect(broken).toEqual([]);
});

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

function proseOf(text: string): string {
  return text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
}

/** As GitHub makes them: lower case, no punctuation, hyphens for spaces; `<a id>` marks are kept. */
function anchorsOf(file: string): string[] {
  const text = read(file);
  const headings = [...text.matchAll(/^#+ +(.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
  const marks = [...text.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id!);
  return [...headings, ...marks];
}
