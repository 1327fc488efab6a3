/** Which folder of src may import which: arrows point down only (ARCHITECTURE.md). `npm run check` runs this. */

const forbidden = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });

/** Floors from the top: a folder may import from floors below it, never from its own floor's neighbours or above. */
function floors(prefix, list) {
  const pattern = (names) => `^${prefix}(?:${names.join('|')})`;
  return list.flatMap((floor, index) => {
    const upper = list.slice(0, index).flat();
    return upper.length === 0
      ? []
      : [
          forbidden(
            `only-down-to-${floor.join('-').replaceAll(/[^a-z-]/g, '')}`,
            pattern(floor),
            pattern(upper),
          ),
        ];
  });
}

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    ...floors('src/', [['cli/', 'api/'], ['drive/'], ['image/'], ['volume/', 'winfsp/', 'os/', 'ntstatus']]),
    ...floors('src/winfsp/', [
      ['index\\.'],
      ['host/'],
      ['dispatch/'],
      ['threads/'],
      ['library/'],
      ['memory/'],
      ['abi/', 'errors\\.'],
    ]),
    ...floors('src/volume/', [
      ['ram-volume\\.'],
      ['volume-names\\.', 'volume-check\\.'],
      ['names/(?!ordered-children)', 'context-table\\.'],
      ['inode\\.', 'inode-heap\\.'],
      ['content/', 'security/', 'names/ordered-children', 'file-clock\\.'],
    ]),
    // The volume knows no driver, no kernel and no FFI.
    forbidden('volume-stands-alone', '^src/volume/', '^src/(?:os|winfsp|drive|cli)/|koffi'),
    forbidden('winfsp-stands-alone', '^src/winfsp/', '^src/(?:os|volume|drive|cli)/'),
    forbidden(
      'os-takes-only-interfaces-of-the-volume',
      '^src/os/',
      '^src/(?:winfsp|drive|cli)/|^src/volume/(?!content/page-memory|file-clock)',
    ),
    forbidden('drive-takes-winfsp-by-its-index', '^src/(?:drive|cli)/', '^src/winfsp/(?!index\\.)'),
    forbidden('nothing-shipped-needs-what-is-not', '^src/', '^(?:tests|spec|bench|scripts|examples)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
