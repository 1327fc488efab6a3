/**
 * Clients in C, for what neither Node nor Python can ask of a kernel: tests/support/clients/NAME.c, compiled when first
 * used.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { PROJECT } from './machine.js';

/** The program's path. Throws with the compiler's words. */
export function compiledClient(name: string): string {
  const source = `${PROJECT}tests/support/clients/${name}.c`;
  const folder = `${PROJECT}native/winfsp-linux/build/clients`;
  const program = `${folder}/${name}`;
  if ((statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0) > statSync(source).mtimeMs) {
    return program;
  }
  mkdirSync(folder, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const args = ['-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', fresh, source];
  const { status, stderr, error } = spawnSync(process.env.CC ?? 'cc', args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${name}.c does not compile: ${error?.message ?? stderr}`);
  }
  renameSync(fresh, program);
  return program;
}

/** The path of a client in Python. */
export const pythonClient = (name: string): string => `${PROJECT}tests/support/clients/${name}.py`;
