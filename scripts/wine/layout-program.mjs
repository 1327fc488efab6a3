/**
 * A C program that says where the compiler puts each field of docs/data/winfsp-abi.json: "struct field offset size",
 * and for bit fields "struct field bit first-bit bits", found by filling the field with ones in zeroed memory. Fields
 * that the project's header has under another name (reserved ones) are left out.
 */

const NOT_IN_HEADER = /Reserved|^(Um|Km)\w*Flags$/;
const HEAD = `#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "winfsp.h"

#define BITS(type, name, member) do { \\
        type it; const unsigned char *at = (const unsigned char *)&it; unsigned first = 0, count = 0; \\
        memset(&it, 0, sizeof it); it.member = ~0ull; \\
        for (unsigned i = sizeof it * 8; i-- > 0;) if (at[i / 8] >> i % 8 & 1) first = i, count++; \\
        printf(#name " " #member " bit %u %u\\n", first, count); } while (0)
#define AT(type, name, member) printf(#name " " #member " %u %u\\n", (unsigned)offsetof(type, member), (unsigned)sizeof ((type *)0)->member)

int main(void)
{
`;

export function layoutProgram(facts) {
  const lines = [];
  for (const [name, { fields }] of Object.entries(facts.structs)) {
    lines.push(`    printf("${name} . 0 %u\\n", (unsigned)sizeof(${name}));`);
    for (const [field, { bit, size }] of Object.entries(fields)) {
      if (NOT_IN_HEADER.test(field.split('.').at(-1)) || size === 0) {
        continue;
      }
      lines.push(`    ${bit === undefined ? 'AT' : 'BITS'}(${name}, ${name}, ${field});`);
    }
  }
  return `${HEAD}${lines.join('\n')}\n    return 0;\n}\n`;
}
