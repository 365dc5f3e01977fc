/* Baseline removal and peak search of pad traces: one block for one trace.
 *
 * The definition is the CPU version in kernels/attpc/pointcloud (baseline.rs, peaks.rs). All is
 * the same arithmetic but the order of additions within the Fourier transform. */
#include "block.h"

#define SAMPLES 512
#define HALF 256
#define THREADS 64
#define PEAKS_MAX 5
/* Words of output for a trace: the number of peaks, then position, amplitude and integral of the
 * first five. */
#define RECORD 16

enum { OPEN, KEPT, DROPPED };

/* One pass of a radix-4 Stockham transform of 256 complex numbers: 64 butterflies. `length` is
 * that of the transforms still to be done, `wave` holds exp(-2 pi i k / 512), cosines first. */
DEVICE void butterfly(const double *re, const double *im, double *to_re, double *to_im, int item,
                      int length, const double *wave)
{
    int stride = HALF / length, quarter = length / 4;
    int q = item % stride, p = item / stride;
    int from = q + stride * p, step = stride * quarter, to = q + stride * 4 * p;
    double a = re[from], b = re[from + step], c = re[from + 2 * step], d = re[from + 3 * step];
    double ai = im[from], bi = im[from + step], ci = im[from + 2 * step], di = im[from + 3 * step];
    int angle = p * (SAMPLES / length);
    double sum = a + c, sum_i = ai + ci, difference = a - c, difference_i = ai - ci;
    double other = b + d, other_i = bi + di, turn = bi - di, turn_i = d - b;
    double x, y, w, v;
    to_re[to] = sum + other;
    to_im[to] = sum_i + other_i;
    x = difference + turn, y = difference_i + turn_i;
    w = wave[angle], v = wave[SAMPLES + angle];
    to_re[to + stride] = w * x - v * y;
    to_im[to + stride] = w * y + v * x;
    x = sum - other, y = sum_i - other_i;
    w = wave[2 * angle], v = wave[SAMPLES + 2 * angle];
    to_re[to + 2 * stride] = w * x - v * y;
    to_im[to + 2 * stride] = w * y + v * x;
    x = difference - turn, y = difference_i - turn_i;
    w = wave[3 * angle], v = wave[SAMPLES + 3 * angle];
    to_re[to + 3 * stride] = w * x - v * y;
    to_im[to + 3 * stride] = w * y + v * x;
}

/* Applies the filter to bin k of the transform of 512 real samples, given as that of 256 complex
 * ones: even samples are real parts, odd ones imaginary. Real and imaginary part of the result
 * change places, because the forward transform of the swapped is the swapped inverse. */
DEVICE void filter_bin(const double *re, const double *im, double *to_re, double *to_im, int k,
                       const double *gain, const double *wave)
{
    int mirror = (HALF - k) % HALF;
    double even = (re[k] + re[mirror]) / 2, even_i = (im[k] - im[mirror]) / 2;
    double odd = (im[k] + im[mirror]) / 2, odd_i = (re[mirror] - re[k]) / 2;
    double w = wave[k], v = wave[SAMPLES + k];
    double turned = w * odd - v * odd_i, turned_i = w * odd_i + v * odd;
    double same = (gain[k] + gain[HALF - k]) / 2, cross = (gain[k] - gain[HALF - k]) / 2;
    double x = cross * even + same * turned, y = cross * even_i + same * turned_i;
    /* i times the conjugate wave times (x + i y). */
    double back = w * x + v * y, back_i = w * y - v * x;
    to_im[k] = same * even + cross * turned - back_i;
    to_re[k] = same * even_i + cross * turned_i + back;
}

/* The smallest sample that counts as part of a peak. Sums are exact in 64-bit integers. */
DEVICE int mask_limit(long long sum, long long squares)
{
    double mean = (double)sum / (double)SAMPLES;
    double spread = sqrt((double)(squares * SAMPLES - sum * sum)) / (double)SAMPLES;
    int limit = (int)floor(mean + 1.5 * spread) - 1;
    while ((double)limit - mean <= 1.5 * spread) {
        limit += 1;
    }
    return limit;
}

/* True when an open maximum within `distance` of maximum i comes before it: a higher one, or the
 * later one of two of equal height. */
DEVICE int is_beaten(const int *y, const int *at, const int *state, int i, int count, int distance)
{
    int height = y[at[i]];
    for (int k = i - 1; k >= 0 && at[i] - at[k] < distance; --k) {
        if (state[k] == OPEN && y[at[k]] > height) {
            return 1;
        }
    }
    for (int k = i + 1; k < count && at[k] - at[i] < distance; ++k) {
        if (state[k] == OPEN && y[at[k]] >= height) {
            return 1;
        }
    }
    return 0;
}

/* True when a kept maximum lies within `distance` of maximum i. */
DEVICE int is_near_kept(const int *at, const int *state, int i, int count, int distance)
{
    for (int k = i - 1; k >= 0 && at[i] - at[k] < distance; --k) {
        if (state[k] == KEPT) {
            return 1;
        }
    }
    for (int k = i + 1; k < count && at[k] - at[i] < distance; ++k) {
        if (state[k] == KEPT) {
            return 1;
        }
    }
    return 0;
}

/* Integral of the peak at a position, or -1 when its prominence or width is out of bounds. */
DEVICE int measure(const int *y, int position, double least_prominence, double height,
                   double narrowest, double widest)
{
    int top = y[position], base = position, low = top;
    int right_base = position, right_low = top, at, prominence, sum = 0;
    double level, left, right, width;
    for (at = position - 1; at >= 0 && y[at] <= top; --at) {
        if (y[at] < low) {
            base = at, low = y[at];
        }
    }
    for (at = position + 1; at < SAMPLES && y[at] <= top; ++at) {
        if (y[at] < right_low) {
            right_base = at, right_low = y[at];
        }
    }
    prominence = top - (low > right_low ? low : right_low);
    if ((double)prominence < least_prominence) {
        return -1;
    }
    level = (double)top - (double)prominence * height;
    for (at = position; at > base && level < (double)y[at];) {
        at -= 1;
    }
    left = (double)at;
    if ((double)y[at] < level) {
        left += (level - (double)y[at]) / ((double)y[at + 1] - (double)y[at]);
    }
    for (at = position; at < right_base && level < (double)y[at];) {
        at += 1;
    }
    right = (double)at;
    if ((double)y[at] < level) {
        right -= (level - (double)y[at]) / ((double)y[at - 1] - (double)y[at]);
    }
    width = right - left;
    if (width < narrowest || width > widest) {
        return -1;
    }
    for (at = (int)floor(left); at < (int)ceil(right); ++at) {
        sum += y[at] < 0 ? -y[at] : y[at];
    }
    return sum;
}

/* `cells` holds rows of `row` numbers, of which the last 512 are samples. `tables` holds the 257
 * gains of the filter, divided by 256, then cosines and sines of the wave. */
KERNEL void find_peaks(const short *cells, int row, const double *tables, int lowest, int distance,
                       double prominence, double height, double narrowest, double widest,
                       int *records)
{
    SHARED double re[2][HALF], im[2][HALF];
    SHARED long long sums[THREADS], squares[THREADS];
    SHARED int y[SAMPLES], at[HALF], state[HALF], next[HALF], integral[HALF], counts[THREADS + 1];
    SHARED int limit, fill, open;
    const short *samples = cells + (long long)BLOCK * row + (row - SAMPLES);
    const double *gain = tables, *wave = tables + HALF + 1;
    int *record = records + (long long)BLOCK * RECORD;
    int length, from = 0, count;

    EACH(t, SAMPLES) {
        y[t] = samples[t == 0 ? 1 : t == SAMPLES - 1 ? SAMPLES - 2 : t];
    }
    SYNC;
    EACH(i, THREADS) {
        sums[i] = squares[i] = 0;
        for (int t = i; t < SAMPLES; t += THREADS) {
            sums[i] += y[t];
            squares[i] += (long long)y[t] * y[t];
        }
    }
    SYNC;
    EACH(i, 1) {
        long long sum = 0, square = 0;
        for (int k = 0; k < THREADS; ++k) {
            sum += sums[k];
            square += squares[k];
        }
        limit = mask_limit(sum, square);
    }
    SYNC;
    EACH(i, THREADS) {
        sums[i] = squares[i] = 0;
        for (int t = i; t < SAMPLES; t += THREADS) {
            if (y[t] < limit) {
                sums[i] += y[t];
                squares[i] += 1;
            }
        }
    }
    SYNC;
    EACH(i, 1) {
        long long sum = 0, kept = 0;
        for (int k = 0; k < THREADS; ++k) {
            sum += sums[k];
            kept += squares[k];
        }
        fill = (int)((double)sum / (double)kept);
    }
    SYNC;
    EACH(t, SAMPLES) {
        (t % 2 ? im : re)[0][t / 2] = (double)(y[t] >= limit ? fill : y[t]);
    }
    SYNC;
    for (length = HALF; length > 1; length /= 4) {
        EACH(i, HALF / 4) {
            butterfly(re[from], im[from], re[1 - from], im[1 - from], i, length, wave);
        }
        SYNC;
        from = 1 - from;
    }
    EACH(k, HALF) {
        filter_bin(re[from], im[from], re[1 - from], im[1 - from], k, gain, wave);
    }
    SYNC;
    from = 1 - from;
    for (length = HALF; length > 1; length /= 4) {
        EACH(i, HALF / 4) {
            butterfly(re[from], im[from], re[1 - from], im[1 - from], i, length, wave);
        }
        SYNC;
        from = 1 - from;
    }
    EACH(t, SAMPLES) {
        y[t] = (int)((double)y[t] - (t % 2 ? re : im)[from][t / 2]);
    }
    SYNC;

    /* Maxima above the threshold, in time order: each thread looks at a stretch of the trace,
     * first to count, then, knowing how many come before, to write them down. */
    for (int pass = 0; pass < 2; ++pass) {
        EACH(i, THREADS) {
            int found = pass ? counts[i] : 0;
            for (int t = i * (SAMPLES / THREADS); t < (i + 1) * (SAMPLES / THREADS); ++t) {
                int ahead = t + 1;
                if (t == 0 || t >= SAMPLES - 1 || y[t] < lowest || y[t - 1] >= y[t]) {
                    continue;
                }
                while (ahead < SAMPLES - 1 && y[ahead] == y[t]) {
                    ahead += 1;
                }
                if (y[ahead] < y[t]) {
                    if (pass) {
                        at[found] = (t + ahead - 1) / 2;
                        state[found] = OPEN;
                    }
                    found += 1;
                }
            }
            if (!pass) {
                counts[i] = found;
            }
        }
        SYNC;
        EACH(i, pass ? 0 : 1) {
            int before = 0;
            for (int k = 0; k < THREADS; ++k) {
                int own = counts[k];
                counts[k] = before;
                before += own;
            }
            counts[THREADS] = before;
        }
        SYNC;
    }
    count = counts[THREADS];

    /* From the highest down, a kept maximum drops all within the distance. Those that no open one
     * beats can be kept at once; that gives the same set, in few rounds. */
    for (int again = count > 0; again;) {
        EACH(i, count) {
            next[i] = state[i] == OPEN && !is_beaten(y, at, state, i, count, distance);
        }
        EACH(i, 1) {
            open = 0;
        }
        SYNC;
        EACH(i, count) {
            if (next[i]) {
                state[i] = KEPT;
            }
        }
        SYNC;
        EACH(i, count) {
            if (state[i] == OPEN) {
                next[i] = is_near_kept(at, state, i, count, distance);
            }
        }
        SYNC;
        EACH(i, count) {
            if (state[i] == OPEN) {
                if (next[i]) {
                    state[i] = DROPPED;
                } else {
                    open = 1;
                }
            }
        }
        SYNC;
        again = open;
        SYNC;
    }
    EACH(i, count) {
        integral[i] = state[i] == KEPT
            ? measure(y, at[i], prominence, height, narrowest, widest)
            : -1;
    }
    SYNC;
    EACH(i, 1) {
        int found = 0;
        for (int k = 0; k < count; ++k) {
            if (integral[k] >= 0) {
                if (found < PEAKS_MAX) {
                    record[1 + 3 * found] = at[k];
                    record[2 + 3 * found] = y[at[k]];
                    record[3 + 3 * found] = integral[k];
                }
                found += 1;
            }
        }
        record[0] = found;
        for (int k = found; k < PEAKS_MAX; ++k) {
            record[1 + 3 * k] = record[2 + 3 * k] = record[3 + 3 * k] = 0;
        }
    }
}
