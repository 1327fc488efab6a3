import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { packageRoot } from '../../../../src/package-root.js';
import { type AbiFacts, abiDisagreements } from '../../../support/abi-check.js';

function facts(): AbiFacts & { ntstatus: Record<string, string> } {
  return JSON.parse(readFileSync(join(packageRoot(), 'docs/data/winfsp-abi.json'), 'utf8'));
}

describe('layouts and constants against docs/data/winfsp-abi.json', () => {
  it('agree', () => {
    expect(abiDisagreements(facts())).toEqual([]);
  });

  it.each([
    ['an offset', (f: AbiFacts) => (f.structs.FSP_FSCTL_FILE_INFO!.fields.FileSize!.offset = 24), 'FileSize'],
    [
      'a nested offset',
      (f: AbiFacts) => (f.structs.FSP_FSCTL_TRANSACT_REQ!.fields['Req.Write.Address']!.offset = 40),
      'Req.Write.Address',
    ],
    ['a size', (f: AbiFacts) => (f.structs.FSP_FSCTL_DIR_INFO!.size = 112), 'FSP_FSCTL_DIR_INFO'],
    [
      'a flag bit',
      (f: AbiFacts) => (f.structs.FSP_FSCTL_VOLUME_PARAMS!.fields.PersistentAcls!.bit = 5),
      'PersistentAcls',
    ],
    [
      'a timeout bit',
      (f: AbiFacts) => (f.structs.FSP_FSCTL_VOLUME_PARAMS!.fields.EaTimeoutValid!.bit = 5),
      'EaTimeout',
    ],
    ['a kind', (f: AbiFacts) => (f.transactKind.FspFsctlTransactReadKind = 6), 'Read'],
    ['a slot', (f: AbiFacts) => (f.interface[26]!.slot = 27), 'SetDelete'],
    [
      'a missing field',
      (f: AbiFacts) => delete f.structs.FSP_FSCTL_TRANSACT_RSP!.fields['IoStatus.Status'],
      'IoStatus.Status',
    ],
    ['a limit', (f: AbiFacts) => (f.limits.FSP_FSCTL_TRANSACT_REQ_SIZEMAX = 16384), 'TRANSACT_REQ_SIZEMAX'],
    ['an attribute', (f: AbiFacts) => (f.fileAttributes.FILE_ATTRIBUTE_ARCHIVE = '0x40'), 'ARCHIVE'],
    [
      'the place of an answer',
      (f: AbiFacts) => (f.structs.FSP_FSCTL_TRANSACT_RSP!.fields['Rsp.FlushBuffers.FileInfo']!.offset = 32),
      'FlushBuffers',
    ],
  ])('%s that differs is named', (_what, change, name) => {
    const changed = facts();
    change(changed);
    const found = abiDisagreements(changed);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(name);
  });

  it('the NTSTATUS vocabulary has the values of the facts', () => {
    const known = facts().ntstatus;
    for (const [name, value] of Object.entries(NtStatus)) {
      const fact = known[`STATUS_${name}`];
      if (fact !== undefined) {
        expect([name, value]).toEqual([name, Number(fact) | 0]);
      }
    }
  });
});
