/** Which folder of src may import which: arrows point down only (ARCHITECTURE.md). `npm run check` runs this. */

/** Floors from the top: a folder may import from floors below it, never from its own floor's neighbours or above. */
function floors(prefix, list) {
  const pattern = (names) => `^${prefix}(?:${names.join('|')})`;
  return list.flatMap((floor, index) => {
    const upper = list.slice(0, index).flat();
    return upper.length === 0
      ? []
      : [
          {
            name: `only-down-to-${floor.join('-').replaceAll(/[^a-z-]/g, '')}`,
            severity: 'error',
            from: { path: pattern(floor) },
            to: { path: pattern(upper) },
          },
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
    {
      name: 'volume-stands-alone',
      comment: 'The volume knows no driver, no kernel and no FFI.',
      severity: 'error',
      from: { path: '^src/volume/' },
      to: { path: '^src/(?:os|winfsp|drive|cli)/|koffi' },
    },
    {
      name: 'winfsp-stands-alone',
      severity: 'error',
      from: { path: '^src/winfsp/' },
      to: { path: '^src/(?:os|volume|drive|cli)/' },
    },
    {
      name: 'os-takes-only-interfaces-of-the-volume',
      severity: 'error',
      from: { path: '^src/os/' },
      to: { path: '^src/(?:winfsp|drive|cli)/|^src/volume/(?!content/page-memory|file-clock)' },
    },
    {
      name: 'drive-takes-winfsp-by-its-index',
      severity: 'error',
      from: { path: '^src/(?:drive|cli)/' },
      to: { path: '^src/winfsp/(?!index\\.)' },
    },
    {
      name: 'nothing-shipped-needs-what-is-not',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(?:tests|spec|bench|scripts|examples)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
