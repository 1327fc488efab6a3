/* Violations: recorded for their volume and for the whole process, and told to those who ask. */
#include <stdarg.h>
#include <stdio.h>

#include "core/strict/strict.h"

static pthread_mutex_t textsLock = PTHREAD_MUTEX_INITIALIZER;
static TEXTS allTexts;

static void keep(TEXTS *texts, const char *text)
{
    if (texts->count < MAX_TEXTS) {
        char **grown = realloc(texts->texts, (texts->count + 1) * sizeof *grown);
        if (grown != NULL) {
            texts->texts = grown;
            grown[texts->count] = strdup(text);
        }
    }
    texts->count++;
}

void violations_free(TEXTS *texts)
{
    for (UINT32 i = 0; i < texts->count && i < MAX_TEXTS && texts->texts != NULL; i++)
        free(texts->texts[i]);
    free(texts->texts);
}

void strict_violation(VOLUME *v, const FSP_FSCTL_TRANSACT_REQ *req, const char *format, ...)
{
    char message[512], what[1024], text[1600];
    va_list arguments;
    if (v->strict == NULL || (!volume_is_strict(v) && atomic_load(&v->delivering) == NULL))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (req != NULL) {
        request_describe(req, what, sizeof what);
        snprintf(text, sizeof text, "%s | %s", message, what);
    } else
        snprintf(text, sizeof text, "%s", message);
    pthread_mutex_lock(&textsLock);
    keep(&v->strict->texts, text);
    keep(&allTexts, text);
    pthread_mutex_unlock(&textsLock);
    if (v->options[OPTION_STRICT] >= 2)
        fprintf(stderr, "winfsp-linux: violation: %s\n", text);
}

static TEXTS *texts_of(FSP_FILE_SYSTEM *fs)
{
    if (fs == NULL)
        return &allTexts;
    return volume_of(fs)->strict != NULL ? &volume_of(fs)->strict->texts : NULL;
}

UINT32 FspLinuxViolationCount(FSP_FILE_SYSTEM *fs)
{
    TEXTS *texts = texts_of(fs);
    UINT32 count;
    pthread_mutex_lock(&textsLock);
    count = texts != NULL ? texts->count : 0;
    pthread_mutex_unlock(&textsLock);
    return count;
}

UINT32 FspLinuxViolationText(FSP_FILE_SYSTEM *fs, UINT32 Index, char *Buffer, UINT32 Size)
{
    TEXTS *texts = texts_of(fs);
    UINT32 needed = 0;
    pthread_mutex_lock(&textsLock);
    if (texts != NULL && Index < texts->count && Index < MAX_TEXTS && texts->texts != NULL &&
        texts->texts[Index] != NULL) {
        needed = (UINT32)strlen(texts->texts[Index]) + 1;
        if (Buffer != NULL && Size != 0)
            snprintf(Buffer, Size, "%s", texts->texts[Index]);
    }
    pthread_mutex_unlock(&textsLock);
    return needed;
}
