/** The modules of tla/, each with its twin here, and what their configurations and the results of `npm run tlc` say of them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { capacityLedgerModel } from './capacity-ledger/invariants.js';
import type { Constants as LedgerConstants } from './capacity-ledger/state.js';
import { copyLanesModel, type Constants as LanesConstants } from './copy-lanes/copy-lanes.js';
import { type Constants as DispatchConstants, dispatchModel } from './dispatch/dispatch.js';
import type { Model } from './explorer/explorer.js';
import { type Constants as CacheConstants, kernelCacheModel } from './kernel-cache/kernel-cache.js';
import { type Constants as NamespaceConstants, namespaceModel } from './namespace/namespace.js';
import { snapshotsModel } from './snapshots/invariants.js';
import type { Constants as SnapshotsConstants } from './snapshots/state.js';

/** The folder of each, here and in tla/. */
const FOLDERS = {
  CapacityLedger: 'capacity-ledger',
  CopyLanes: 'copy-lanes',
  Dispatch: 'dispatch',
  KernelCache: 'kernel-cache',
  Namespace: 'namespace',
  Snapshots: 'snapshots',
};
export type ModuleName = keyof typeof FOLDERS;
export type ModuleConstants = Record<string, number | boolean | string>;

export interface Configuration {
  name: string;
  constants: ModuleConstants;
  /** Names of invariants and action properties that are checked. */
  invariants: string[];
  /** FairSpec has the same states; what it adds is liveness, which TLC alone checks. */
  isLiveness: boolean;
  isNightly: boolean;
  /** 'passes', or what must be found. */
  expect: string;
}

interface ConfigurationFile {
  constants: ModuleConstants;
  invariants: string[];
  configurations: Record<
    string,
    {
      constants: ModuleConstants;
      invariants?: string[];
      properties?: string[];
      specification?: string;
      when?: string;
      expect?: string;
    }
  >;
}

export interface TlcCounts {
  constants: ModuleConstants;
  distinctStates: number;
  generatedStates: number;
}

/** How large each model is. Found from the sources and from dist alike. */
export function configurationsOf(module: ModuleName): Configuration[] {
  const file = readJson(`${FOLDERS[module]}/configurations.json`) as ConfigurationFile;
  const { constants, invariants, configurations } = file;
  return Object.entries(configurations).map(([name, one]) => {
    const isLiveness = one.specification === 'FairSpec';
    return {
      name,
      constants: { ...constants, ...one.constants },
      invariants: [...(one.invariants ?? invariants), ...(isLiveness ? [] : (one.properties ?? []))],
      isLiveness,
      isNightly: one.when === 'nightly',
      expect: one.expect ?? 'passes',
    };
  });
}

/** What TLC counted last, by configuration. */
export function tlcCountsOf(module: ModuleName): Record<string, TlcCounts> {
  return readJson(`${FOLDERS[module]}/results.json`) as Record<string, TlcCounts>;
}

/** The twin's model. Constants of planted faults and watched branches say nothing here. */
export function modelOf(module: ModuleName, constants: ModuleConstants): Model<never> {
  const given = constants as unknown;
  const model: unknown = {
    CapacityLedger: () => capacityLedgerModel(given as LedgerConstants),
    CopyLanes: () => copyLanesModel(given as LanesConstants),
    Dispatch: () => dispatchModel(given as DispatchConstants),
    KernelCache: () => kernelCacheModel(given as CacheConstants),
    Namespace: () => namespaceModel(given as NamespaceConstants),
    Snapshots: () => snapshotsModel(given as SnapshotsConstants),
  }[module]();
  return model as Model<never>;
}

function readJson(name: string): unknown {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const root = here.includes('/dist/') || here.includes('\\dist\\') ? '../../tla/' : '../tla/';
  return JSON.parse(readFileSync(new URL(root + name, import.meta.url), 'utf8'));
}
