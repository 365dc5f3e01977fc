/* Distances of measured points to model tracks: one block for one track with one set of
 * parameters.
 *
 * The model is a bilinear mean of four nodes of the track mesh, turned about z and moved to the
 * vertex; a distance is that to the nearest recorded position. Instead of the model, the points
 * are moved, because they are fewer. The nearest position is looked for in single precision and
 * then settled in double precision, because the optimiser differentiates by steps of 1e-8. */
#include "block.h"

#define THREADS 128
/* Numbers of a placement: four weights, cosine, sine, vertex. */
#define NUMBERS 9
/* Whole numbers of a placement: first point, number of points, place of the first result, four
 * nodes. */
#define WHOLE 7

/* The interpolated position of the track at a time step. */
DEVICE void position(const float *const *node, const double *weight, int steps, int t, double *to)
{
    for (int c = 0; c < 3; ++c) {
        long long k = (long long)c * steps + t;
        to[c] = ((weight[0] * (double)node[0][k] + weight[1] * (double)node[1][k])
                 + weight[2] * (double)node[2][k])
            + weight[3] * (double)node[3][k];
    }
}

DEVICE double squared(const double *a, const double *b)
{
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return (x * x + y * y) + z * z;
}

/* Squared distance of a point to the track, starting from a time step that is the nearest but for
 * rounding: down to where both neighbours are not nearer. */
DEVICE double settle(const float *const *node, const double *weight, int steps, int t,
                     const double *point)
{
    double here[3], best, other;
    int begin = t;
    position(node, weight, steps, t, here);
    best = squared(here, point);
    while (t + 1 < steps) {
        position(node, weight, steps, t + 1, here);
        other = squared(here, point);
        if (!(other < best)) {
            break;
        }
        best = other;
        t += 1;
    }
    for (t = begin; t > 0; --t) {
        position(node, weight, steps, t - 1, here);
        other = squared(here, point);
        if (!(other < best)) {
            break;
        }
        best = other;
    }
    return best;
}

/* `mesh` holds nodes of x[steps], y[steps], z[steps] in metres; `points` x, y, z in metres and a
 * weight for each point. `sums` takes the sum of weighted distances of each placement,
 * `distances`, where it is not null, each of them. */
KERNEL void distances(const float *mesh, int steps, const double *points, const int *whole,
                      const double *numbers, double *sums, double *each)
{
    DYNAMIC_SHARED(track);
    SHARED double partial[THREADS];
    const int *own = whole + (long long)BLOCK * WHOLE;
    const double *weight = numbers + (long long)BLOCK * NUMBERS;
    const double *place = weight + 4;
    const float *node[4];
    int count = own[1];

    for (int n = 0; n < 4; ++n) {
        node[n] = mesh + (long long)own[3 + n] * 3 * steps;
    }
    EACH(t, steps) {
        double here[3];
        position(node, weight, steps, t, here);
        for (int c = 0; c < 3; ++c) {
            track[c * steps + t] = (float)here[c];
        }
    }
    SYNC;
    EACH(i, THREADS) {
        partial[i] = 0;
        for (int p = i; p < count; p += THREADS) {
            const double *from = points + ((long long)own[0] + p) * 4;
            double x = from[0] - place[2], y = from[1] - place[3], point[3], value;
            float px, py, pz, nearest = 0;
            int at = 0;
            point[0] = place[0] * x + place[1] * y;
            point[1] = place[0] * y - place[1] * x;
            point[2] = from[2] - place[4];
            px = (float)point[0], py = (float)point[1], pz = (float)point[2];
            for (int t = 0; t < steps; ++t) {
                float dx = px - track[t], dy = py - track[steps + t];
                float dz = pz - track[2 * steps + t];
                float here = (dx * dx + dy * dy) + dz * dz;
                if (t == 0 || here < nearest) {
                    nearest = here;
                    at = t;
                }
            }
            value = sqrt(settle(node, weight, steps, at, point)) * from[3];
            if (each) {
                each[(long long)own[2] + p] = value;
            }
            partial[i] += value;
        }
    }
    SYNC;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        EACH(i, half) {
            partial[i] += partial[i + half];
        }
        SYNC;
    }
    EACH(i, 1) {
        sums[BLOCK] = partial[0];
    }
}
