/**
 * What goes through the host chain: transfers of each size, compared with a bare memcpy of the same size over the same
 * walk, and requests that move no data. One pass serves many requests, so that starting a dispatcher does not count.
 */
import { copyMemory, TransactKind } from '../../src/winfsp/index.js';
import { SUBJECT } from '../ratios.js';
import { Chain } from './chain.js';
import { RequestBlock } from './requests.js';

export interface Case {
  group: string;
  name: string;
  /** Bytes or operations of one pass. */
  perPass: number;
  unit: 'bytes/s' | 'operations/s';
  build(): { contenders: readonly Contender[]; dispose(): void };
}

interface Contender {
  name: string;
  pass(): void;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** Walked through in order, so that both sides miss the same caches. */
const FILE_BYTES = 32 * MIB;
const SIZES = [4 * KIB, 64 * KIB, MIB, 16 * MIB];
const SMALL_REQUESTS = 4096;
const CAPACITY_BYTES = 128 * MIB;

export const CASES: readonly Case[] = [
  ...(['Read', 'Write'] as const).flatMap((kind) => SIZES.map((sizeBytes) => transfer(kind, sizeBytes))),
  throughOperations(4 * KIB),
  small('QueryInformation', (requests, context) => {
    for (let i = 0; i < SMALL_REQUESTS; i++) requests.ofContext(i, 'QueryInformation', context);
  }),
  small('open, close', (requests, context) => {
    for (let i = 0; i < SMALL_REQUESTS; i += 2) {
      requests.open(i, '\\file');
      requests.ofContext(i + 1, 'Close', context);
    }
  }),
  small('create, write 4 KiB, delete, close', (requests, _context, address) => {
    for (let i = 0; i < SMALL_REQUESTS; i += 4) {
      requests.create(i, '\\a new file', 3);
      requests.transfer(i + 1, 'Write', 0, address, 0, 4 * KIB);
      requests.cleanupDelete(i + 2, '\\a new file');
      requests.ofContext(i + 3, 'Close', 0);
    }
  }),
];

function transfer(kind: 'Read' | 'Write', sizeBytes: number): Case {
  const count = FILE_BYTES / sizeBytes;
  return {
    group: `inline dispatcher: ${kind}`,
    name: sizeBytes >= MIB ? `${sizeBytes / MIB} MiB` : `${sizeBytes / KIB} KiB`,
    perPass: FILE_BYTES,
    unit: 'bytes/s',
    build() {
      const chain = new Chain(CAPACITY_BYTES, 2 * FILE_BYTES);
      const node = chain.file('\\file', FILE_BYTES);
      const requests = new RequestBlock(count);
      const address = chain.buffer.baseAddress;
      for (let i = 0; i < count; i++)
        requests.transfer(i, kind, chain.volume.contextOf(node), address, i * sizeBytes, sizeBytes);
      // The other half of the buffer plays the file, so the bare copy has as much memory to walk through.
      const other = address + FILE_BYTES;
      const bare =
        kind === 'Read'
          ? (at: number) => copyMemory(address, other + at, sizeBytes)
          : (at: number) => copyMemory(other + at, address, sizeBytes);
      return {
        contenders: [
          { name: SUBJECT, pass: () => chain.serve(requests) },
          {
            name: 'memcpy',
            pass: () => {
              for (let at = 0; at < FILE_BYTES; at += sizeBytes) bare(at);
            },
          },
        ],
        dispose: () => {
          requests.free();
          chain.dispose();
        },
      };
    },
  };
}

/**
 * The same reads through FspFileSystemOpRead and the interface table: C calls back into JavaScript on the calling
 * thread.
 */
function throughOperations(sizeBytes: number): Case {
  const count = FILE_BYTES / sizeBytes;
  return {
    ...transfer('Read', sizeBytes),
    group: 'FspFileSystemOpRead and the interface table',
    build() {
      const chain = new Chain(CAPACITY_BYTES, 2 * FILE_BYTES);
      const node = chain.file('\\file', FILE_BYTES);
      const requests = new RequestBlock(count);
      const answer = new RequestBlock(2);
      const address = chain.buffer.baseAddress;
      const read = chain.fs.library.operations[TransactKind.Read]!;
      for (let i = 0; i < count; i++)
        requests.transfer(i, 'Read', chain.volume.contextOf(node), address, i * sizeBytes, sizeBytes);
      return {
        contenders: [
          {
            name: SUBJECT,
            pass: () => {
              for (let i = 0; i < count; i++) {
                if (read(chain.fs.address, requests.addressOf(i), answer.addressOf(0)) !== 0)
                  throw new Error('the read failed');
              }
            },
          },
          {
            name: 'memcpy',
            pass: () => {
              for (let at = 0; at < FILE_BYTES; at += sizeBytes)
                copyMemory(address, address + FILE_BYTES + at, sizeBytes);
            },
          },
        ],
        dispose: () => {
          requests.free();
          answer.free();
          chain.dispose();
        },
      };
    },
  };
}

function small(name: string, fill: (requests: RequestBlock, context: number, address: number) => void): Case {
  return {
    group: 'inline dispatcher: small requests',
    name,
    perPass: SMALL_REQUESTS,
    unit: 'operations/s',
    build() {
      const chain = new Chain(CAPACITY_BYTES, MIB);
      const node = chain.file('\\file', 4 * KIB);
      const requests = new RequestBlock(SMALL_REQUESTS);
      fill(requests, chain.volume.contextOf(node), chain.buffer.baseAddress);
      return {
        contenders: [{ name: SUBJECT, pass: () => chain.serve(requests) }],
        dispose: () => {
          requests.free();
          chain.dispose();
        },
      };
    },
  };
}
