/* Memory that ends at an inaccessible page, so that a host that runs over its end faults. */
#ifndef WINFSP_LINUX_GUARDED_H
#define WINFSP_LINUX_GUARDED_H

#include <stddef.h>

/* `size` bytes that end, up to 7 bytes, at an inaccessible page. *region and *regionSize are for guarded_free. NULL: no
 * memory. */
void *guarded_alloc(size_t size, void **region, size_t *regionSize);
void guarded_seal(void *region, size_t regionSize); /* a touch faults from now on */
void guarded_free(void *region, size_t regionSize);

#endif
