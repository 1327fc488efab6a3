/** All cases, in the order of docs/winfsp.md. */
import type { ConformanceCase } from '../conformance-case.js';
import { content } from './content.js';
import { creating } from './creating.js';
import { delivery } from './delivery.js';
import { extendedAttributes } from './extended-attributes.js';
import { listing } from './listing.js';
import { metadata } from './metadata.js';
import { renaming } from './renaming.js';
import { security } from './security.js';
import { streams } from './streams.js';
import { volume } from './volume.js';

export const CASES: readonly ConformanceCase[] = [
  ...creating,
  ...security,
  ...volume,
  ...content,
  ...metadata,
  ...extendedAttributes,
  ...streams,
  ...renaming,
  ...listing,
  ...delivery,
];
