/*
 * How receivers wait and are woken. A receiver that finds nothing looks at the kernel front end itself, spins for a
 * moment, and then sleeps: beside a kernel descriptor in poll, otherwise on a condition variable (the portable way,
 * which the Windows build uses always).
 */
#include "core/queue.h"

void queue_wake_one(VOLUME *v)
{
    if (v->pollers > 0)
        platform_wake_post(v->wakeFd, 1);
    else if (v->sleepers > 0)
        pthread_cond_signal(&v->wake);
}

void queue_wake_all(VOLUME *v)
{
    if (v->pollers > 0)
        platform_wake_post(v->wakeFd, (unsigned)v->pollers);
    pthread_cond_broadcast(&v->wake);
}

void queue_stop_receiving(VOLUME *v)
{
    pthread_mutex_lock(&v->lock);
    atomic_store(&v->stopped0, 1);
    queue_wake_all(v);
    pthread_cond_broadcast(&v->quiet);
    pthread_mutex_unlock(&v->lock);
}

void volume_mount_gone(VOLUME *v) { queue_stop_receiving(v); }

int volume_wait(VOLUME *v, int timeoutMs)
{
    UINT64 spinNs = v->options[OPTION_SPIN_US] * 1000u, begin = 0;
    SOURCE source = {-1, NULL, NULL};
    int has, result = 0, spin = 0;

    pthread_mutex_lock(&v->lock);
    if (atomic_load(&v->stopped0) || v->head != NULL || v->wakeRequests > 0) {
        result = atomic_load(&v->stopped0) ? -1 : 1;
        pthread_mutex_unlock(&v->lock);
        return result;
    }
    if ((has = v->hasSource)) {
        source = v->source;
        v->sourceUsers++;
    }
    if (spinNs != 0 && v->spinners == 0) { /* one spinner is enough: the others would only take its CPU */
        spin = 1;
        v->spinners++;
    }
    pthread_mutex_unlock(&v->lock);

    for (unsigned round = 0;; round++) {
        if (has) {
            result = source.receive(v, source.ctx);
            if (result < 0)
                volume_mount_gone(v);
            if (result != 0)
                break;
        }
        if (atomic_load_explicit(&v->pending, memory_order_acquire) != 0 ||
            atomic_load_explicit(&v->stopped0, memory_order_relaxed)) {
            result = 1;
            break;
        }
        if (!spin)
            break;
        if (has || (round & 15) == 0) {
            UINT64 now = platform_now_ns();
            if (begin == 0)
                begin = now;
            else if (now - begin >= spinNs)
                break;
        }
        platform_pause();
    }

    pthread_mutex_lock(&v->lock);
    v->spinners -= spin;
    if (result == 0) {
        if (v->head != NULL || atomic_load(&v->stopped0) || v->wakeRequests > 0)
            result = 1;
        else if (has) {
            if (v->hasSource) {
                v->pollers++;
                pthread_mutex_unlock(&v->lock);
                result = platform_wake_poll(v->wakeFd, source.fd, timeoutMs);
                pthread_mutex_lock(&v->lock);
                v->pollers--;
            } else
                result = 1;
        } else if (v->hasSource)
            result = 1; /* a front end came: look at it first */
        else {
            v->sleepers++;
            result = !platform_cond_wait_until(
                &v->wake, &v->lock, timeoutMs < 0 ? UINT64_MAX : platform_now_ns() + (UINT64)timeoutMs * 1000000u);
            v->sleepers--;
        }
    }
    if (has && --v->sourceUsers == 0 && !v->hasSource)
        pthread_cond_broadcast(&v->quiet);
    if (atomic_load(&v->stopped0))
        result = -1;
    pthread_mutex_unlock(&v->lock);
    return result;
}

void queue_wake_receivers(VOLUME *v, int count)
{
    pthread_mutex_lock(&v->lock);
    v->wakeRequests += count;
    queue_wake_all(v);
    pthread_mutex_unlock(&v->lock);
}

void volume_set_source(VOLUME *v, const SOURCE *source)
{
    pthread_mutex_lock(&v->lock);
    if (source != NULL) {
        if (v->wakeFd < 0)
            v->wakeFd = platform_wake_open();
        v->source = *source;
        v->hasSource = 1;
    } else
        v->hasSource = 0;
    queue_wake_all(v);
    while (source == NULL && v->sourceUsers > 0)
        pthread_cond_wait(&v->quiet, &v->lock);
    pthread_mutex_unlock(&v->lock);
}
