/**
 * Compares the layouts, constants and volume parameters of src/winfsp/abi with docs/data/winfsp-abi.json. A wrong
 * offset would not crash at once, it would corrupt memory or files.
 */
import * as constants from '../../src/winfsp/abi/constants.js';
import * as layouts from '../../src/winfsp/abi/layouts.js';
import { VOLUME_FLAG_BITS, VOLUME_TIMEOUT_VALID_BITS } from '../../src/winfsp/abi/volume-params.js';

interface AbiStruct {
  size: number;
  fields: Record<string, { offset: number; size: number; bit?: number }>;
}

/** The part of docs/data/winfsp-abi.json that is compared. */
export interface AbiFacts {
  structs: Record<string, AbiStruct>;
  interface: { slot: number; name: string }[];
  transactKind: Record<string, number>;
  cleanupFlags: Record<string, string>;
  fileAttributes: Record<string, string>;
  fileInformationClass: Record<string, number>;
  createDisposition: Record<string, number>;
  createOptions: Record<string, string>;
  limits: Record<string, number>;
  timeouts: Record<string, number>;
}

type Layout = Readonly<Record<string, number>>;

/** Each layout of layouts.ts with its structure and the prefix of its field names there. */
const COMPARED: readonly (readonly [Layout, string, string])[] = [
  [layouts.FileInfo, 'FSP_FSCTL_FILE_INFO', ''],
  [layouts.OpenFileInfo, 'FSP_FSCTL_OPEN_FILE_INFO', ''],
  [layouts.VolumeInfo, 'FSP_FSCTL_VOLUME_INFO', ''],
  [layouts.DirInfo, 'FSP_FSCTL_DIR_INFO', ''],
  [layouts.NotifyInfo, 'FSP_FSCTL_NOTIFY_INFO', ''],
  [layouts.Req, 'FSP_FSCTL_TRANSACT_REQ', ''],
  [layouts.ReqCreate, 'FSP_FSCTL_TRANSACT_REQ', 'Req.Create.'],
  [layouts.ReqCleanup, 'FSP_FSCTL_TRANSACT_REQ', 'Req.Cleanup.'],
  [layouts.ReqClose, 'FSP_FSCTL_TRANSACT_REQ', 'Req.Close.'],
  [layouts.ReqRead, 'FSP_FSCTL_TRANSACT_REQ', 'Req.Read.'],
  [layouts.ReqWrite, 'FSP_FSCTL_TRANSACT_REQ', 'Req.Write.'],
  [layouts.ReqOverwrite, 'FSP_FSCTL_TRANSACT_REQ', 'Req.Overwrite.'],
  [layouts.ReqQueryDirectory, 'FSP_FSCTL_TRANSACT_REQ', 'Req.QueryDirectory.'],
  [layouts.ReqSetInformation, 'FSP_FSCTL_TRANSACT_REQ', 'Req.SetInformation.'],
  [layouts.Rsp, 'FSP_FSCTL_TRANSACT_RSP', ''],
  [layouts.RspCreate, 'FSP_FSCTL_TRANSACT_RSP', 'Rsp.Create.'],
  [layouts.FileSystemLayout, 'FSP_FILE_SYSTEM', ''],
  [layouts.VolumeParamsLayout, 'FSP_FSCTL_VOLUME_PARAMS', ''],
  [layouts.InterfaceLayout, 'FSP_FILE_SYSTEM_INTERFACE', ''],
];

/** The kinds of answer whose FILE_INFO is at RSP_FILE_INFO. */
const ANSWERS_WITH_FILE_INFO = [
  'Overwrite',
  'Write',
  'QueryInformation',
  'SetInformation',
  'SetEa',
  'FlushBuffers',
];

/** Every disagreement between the code and the facts, as sentences; empty when there is none. */
export function abiDisagreements(facts: AbiFacts): string[] {
  const found: string[] = [];
  const compare = (what: string, code: number, fact: number | string | undefined) => {
    if (fact === undefined || code >>> 0 !== Number(fact) >>> 0) {
      found.push(`${what} is ${code} in the code and ${fact ?? 'absent'} in the facts`);
    }
  };
  for (const [layout, structName, prefix] of COMPARED) {
    const struct = facts.structs[structName];
    for (const [field, offset] of Object.entries(layout)) {
      const isSize = field === 'SIZE';
      const fact = isSize ? struct?.size : struct?.fields[prefix + field]?.offset;
      compare(`${structName}.${prefix}${field}`, offset, fact);
    }
  }
  const rsp = facts.structs.FSP_FSCTL_TRANSACT_RSP;
  for (const kind of ANSWERS_WITH_FILE_INFO) {
    compare(`Rsp.${kind}.FileInfo`, layouts.RSP_FILE_INFO, rsp?.fields[`Rsp.${kind}.FileInfo`]?.offset);
  }
  const params = facts.structs.FSP_FSCTL_VOLUME_PARAMS;
  for (const [flag, bit] of Object.entries(VOLUME_FLAG_BITS)) {
    compare(`VOLUME_PARAMS.${flag} bit`, bit, params?.fields[flag]?.bit);
  }
  for (const [timeout, bit] of Object.entries(VOLUME_TIMEOUT_VALID_BITS)) {
    compare(`VOLUME_PARAMS.${timeout}Valid bit`, bit, params?.fields[`${timeout}Valid`]?.bit);
  }
  for (const slot of facts.interface) {
    const offset = (layouts.InterfaceLayout as Layout)[slot.name];
    if (offset !== undefined) {
      compare(`slot of ${slot.name}`, offset / 8, slot.slot);
    }
  }
  for (const [name, value] of Object.entries(constants.TransactKind)) {
    compare(`kind ${name}`, value, facts.transactKind[`FspFsctlTransact${name}Kind`]);
  }
  compare('kind count', constants.TRANSACT_KIND_COUNT, facts.transactKind.FspFsctlTransactKindCount);
  compareTable(constants.CleanupFlag, facts.cleanupFlags, 'FspCleanup', '');
  compareTable(constants.FileAttribute, facts.fileAttributes, 'FILE_ATTRIBUTE_', '');
  compareTable(constants.FileInformationClass, facts.fileInformationClass, 'File', 'Information');
  compareTable(constants.CreateDisposition, facts.createDisposition, '', '');
  compareTable(constants.CreateOption, facts.createOptions, '', '');
  for (const [name, value] of Object.entries(constants.Limit)) {
    const fact =
      name === 'ALIGNMENT'
        ? facts.limits.FSP_FSCTL_DEFAULT_ALIGNMENT
        : (facts.limits[`FSP_FSCTL_${name}`] ?? facts.timeouts[`FspFsctl${name}`]);
    compare(`limit ${name}`, value, fact);
  }
  return found;

  function compareTable(
    code: Layout,
    table: Readonly<Record<string, number | string>>,
    prefix: string,
    suffix: string,
  ) {
    for (const [name, value] of Object.entries(code)) {
      compare(`${prefix}${name}${suffix}`, value, table[exName(`${prefix}${name}${suffix}`)]);
    }
  }
}

/** The Ex classes carry their suffix at the very end: FileRenameInformationEx. */
function exName(name: string): string {
  return name.replace(/ExInformation$/, 'InformationEx');
}
