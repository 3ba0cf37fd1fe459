"""The pool's equations written out for one curve with loops and lstsq, as an oracle for the batched code."""

from __future__ import annotations

import math

import numpy as np

POWERS = (-2.0, -1.0, -0.5, -0.25, 0.0, 0.5)
GAMMAS = (1.0, 2.0, 4.0, 8.0, 16.0)
CUTS = (0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1)
TRENDS = [(p, g) for g in GAMMAS for p in POWERS]
CORE = [(-0.5, 4), (-0.5, 2), (-1, 4), (-0.25, 4), (-1, 8), (-0.5, 8)]


def link(y, kind, direction):
    s = 1.0 if direction == "max" else -1.0
    if kind == "accuracy" and min(y) >= 0 and 1 < max(y) <= 100:
        y = np.array(y) / 100
    if kind == "accuracy" and min(y) >= 0 and max(y) <= 1:
        return "logit", s * np.log((y + 0.005) / (1 - y + 0.005))
    if kind in ("loss", "error", "other") and direction == "min" and min(y) >= 0 and np.quantile(y, 0.9) > 0:
        return "log", s * np.log(y + 1e-3 * np.quantile(y, 0.9))
    return "identity", s * (y - y[-1]) / (max(y) - min(y))


def noise(x, z):
    n = len(z)
    part = z if n < 6 else z[n // 2 :]
    raw = np.diff(part)
    d = raw - raw.mean()
    sd = math.sqrt((d**2).mean() / 2)
    if len(d) > 8:
        sd = min(sd, 1.5 * float(np.median(np.abs(d))))
    if n >= 5:
        e = []
        for i in range(max(1, min(n // 2, n - 5)), n - 1):
            b = math.log(x[i] / x[i - 1]) / math.log(x[i + 1] / x[i - 1])
            e.append((z[i] - (1 - b) * z[i - 1] - b * z[i + 1]) / math.sqrt(1 + b**2 + (1 - b) ** 2))
        sd = min(sd, math.sqrt(np.mean(np.square(e))), 2 * float(np.median(np.abs(e))))
    return max(sd, 1e-6 * (max(z) - min(z))), raw, d


def bins(u, z):
    log_u = np.log(u)
    if len(u) <= 64:
        return log_u, z, np.ones(len(u))
    start = max(log_u[0], -9.0)
    place = np.clip(np.floor(64 * (log_u - start) / -start + 1e-9), 0, 63)
    kept = [place == k for k in range(64) if np.any(place == k)]
    return (
        np.array([log_u[m].mean() for m in kept]),
        np.array([z[m].mean() for m in kept]),
        np.array([float(m.sum()) for m in kept]),
    )


def basis(log_u, p):
    return log_u if p == 0 else (np.exp(p * log_u) - 1) / p


def fit(log_u, z, count, p, gamma, log_h):
    """Weighted line of z on X, evaluated at ln(x/last) = log_h: value and variance."""
    w = np.sqrt(count) * np.exp(gamma * log_u)
    w = w / w.sum()
    x = basis(log_u, p)
    n_e = 1 / (w**2).sum()
    xbar, zbar = w @ x, w @ z
    s_xx, s_xz = w @ (x - xbar) ** 2, w @ ((x - xbar) * (z - zbar))
    slope = s_xz / (s_xx + 1e-6)
    rss = w @ (z - zbar - slope * (x - xbar)) ** 2
    s2 = rss * n_e / max(n_e - 2, 1) + 1e-8
    away = basis(log_h, p) - xbar
    return zbar + slope * away, s2 * (1 / n_e + away**2 / ((s_xx + 1e-6) * n_e))


def shrink(m, v):
    return m**3 / (m**2 + v)


class Slow:
    """Every quantity of one curve and one horizon."""

    def __init__(self, x, y, ahead, kind, direction):
        x, y = np.array(x, float), np.array(y, float)
        if x[0] < 0:
            x, ahead = x - x[0], ahead - x[0]
        if x[0] == 0:
            x[0] = x[1] / 2
        self.kind, z = link(y, kind, direction)
        self.sign = 1.0 if direction == "max" else -1.0
        n = self.n = len(x)
        self.level = z[-max(1, n // 10) :].mean()
        z = self.z = z - self.level
        self.h = ahead / x[-1]
        self.noise, self.raw, self.d = noise(x, z)
        log_u, zb, count = self.bins = bins(x / x[-1], z)
        sc = self.sc = zb.max() - zb.min()
        log_h = math.log(self.h)
        said = [fit(log_u, zb / sc, count, p, g, log_h) for p, g in TRENDS]
        self.variance = np.array([v for _, v in said]) * sc**2
        self.trends = np.array([shrink(m, v) for m, v in said]) * sc
        self.errors = np.zeros((len(CUTS), 31))
        self.valid = np.zeros(len(CUTS))
        for i, v in enumerate(CUTS):
            keep = log_u <= math.log(v) + 1e-9
            if keep.sum() < 3:
                continue
            self.valid[i] = 1
            at = log_u[keep][-1]
            origin = zb[keep][-1] / sc
            for e, (p, g) in enumerate(TRENDS):
                value, variance = fit(log_u[keep] - at, zb[keep] / sc, count[keep], p, g, -at)
                self.errors[i, e] = np.clip(origin + shrink(value - origin, variance), -20, 20)
            self.errors[i, 30] = np.clip(origin, -20, 20)
        a = np.array([math.exp(-abs(log_h + math.log(v)) / 0.5) + 0.05 for v in CUTS]) * self.valid
        if a.sum() > 0:
            a = a / a.sum()
        self.square = (a @ self.errors**2 + 0.1 * (self.noise / sc) ** 2) * sc**2
        w = self.square**-2.0
        self.weight = w / w.sum()
        self.last = z[-1]
        self.average = self.weight @ np.r_[self.trends, self.last]
        central = [e for e, (p, g) in enumerate(TRENDS) if p in (-1, -0.5, -0.25, 0) and g in (2, 4, 8)]
        self.central = w[central] @ self.trends[central] / w[central].sum()
        core = self.trends[[TRENDS.index(c) for c in CORE]]
        self.core = core
        self.q = math.sqrt(self.noise**2 + (core**2).mean())
        said = np.r_[self.trends, self.average, self.central, 0, self.last]
        robust = np.r_[core, self.average, self.central, 0, self.last]
        self.r = np.clip(np.maximum(said, robust.min()) / self.q, -6, 6)

    def at(self, log_u):
        return float(np.interp(log_u, self.bins[0], self.bins[1]))

    def features(self):
        """The 96 features in the order of the package's NAMES."""
        q, nz, sc, log_h = self.q, self.noise, self.sc, math.log(self.h)
        log_u, zb, _ = self.bins
        f = [math.log(nz / q)]
        f += [0.5 * math.log(self.variance[TRENDS.index(c)] / q**2 + 1e-6) for c in ((-0.5, 4), (-0.5, 2), (-1, 4))]
        tracked = [TRENDS.index(c) for c in ((-1, 4), (-0.5, 2), (-0.5, 4), (-0.5, 8), (0, 4), (0, 16))] + [30]
        cuts = [CUTS.index(v) for v in (0.8, 0.5, 0.2)]
        errors = [self.errors[c, e] * sc for c in cuts for e in tracked]
        f += [0.5 * math.asinh(e / nz) for e in errors]
        f += [float(np.clip(e / q, -4, 4)) for e in errors]
        f += [log_h, math.sqrt(log_h), min(log_h**2, 20)]
        f += [math.log(self.n) - 3, math.log(len(zb)) - 3, log_u[0]]
        best = zb.max()
        best_at = max([lu for lu, z in zip(log_u, zb, strict=True) if z >= best - 1e-9 * np.ptp(zb)] + [-6])
        f += [best_at, 0.5 * math.asinh(best / nz), np.clip(best / q, -4, 4), np.clip(self.last / q, -4, 4)]
        f += [np.clip((self.at(b) - self.at(a)) / q, -4, 4) for a, b in ((-0.7, 0), (-1.4, -0.7), (-3, -1.4))]
        f += [math.log(sc / q)]
        d, raw, m = self.d, self.raw, len(self.d)
        total = (d**2).sum()
        equal = np.abs(d).max() <= 1e-9 * np.abs(raw).max()
        autocorrelation = 0.0 if equal else (d[1:] * d[:-1]).sum() / total
        f += [autocorrelation, np.mean(np.abs(raw - raw[-1]) <= 1e-9 * np.abs(raw).max())]
        log, logit = float(self.kind == "log"), float(self.kind == "logit")
        f += [log, logit, log_h * (math.log(self.n) - 3)]
        f += [log * np.clip(math.log(q) + 4, -4, 4), logit * np.clip(math.log(q) + 2, -4, 4)]
        f += [logit * np.clip(self.level, -4, 4)]
        late = d[-max(m // 3, 1) :]
        f += [np.clip(math.log(math.sqrt((late**2).sum() / len(late) / 2) / nz + 1e-3), -3, 3)]
        f += [math.log(np.abs(d).max() / nz + 1e-3)]
        f += [np.clip(0.0 if equal else np.mean((d / math.sqrt(total / m)) ** 3), -4, 4)]
        half = self.z[self.n // 2 :]
        f += [np.mean(half >= self.z.max() - 2 * nz), np.mean(raw == 0), -zb.min() / sc]
        change = np.diff(zb)
        at = int(np.argmax(np.abs(change) >= (1 - 1e-9) * np.abs(change).max()))
        f += [change[at] / sc, max(log_u[at + 1], -6)]
        drawdown = max(max(zb[: i + 1]) - zb[i] for i in range(len(zb)))
        f += [np.clip(drawdown / q, -4, 4), 0.5 * math.asinh(drawdown / nz), math.log(drawdown / sc + 0.01)]
        f += [0.5 * math.asinh(self.last / nz)]
        f += [math.log(self.core.std() / q + 1e-3), math.log(nz / sc), np.clip(self.core.mean() / q, -4, 4)]
        core = [TRENDS.index(c) for c in CORE]
        scale = [math.log((math.sqrt((self.errors[c, core] ** 2).mean()) * sc + 0.1 * nz) / q) for c in cuts]
        f += scale
        f += [log_h * v for v in (math.log(nz / q), math.log(sc / q), scale[1], log, logit, best_at, autocorrelation)]
        expected = math.sqrt(self.weight @ self.square)
        apart = math.sqrt(self.weight @ (np.r_[self.trends, self.last] - self.average) ** 2)
        f += [math.log(expected / q + 1e-3), math.log(apart / q + 1e-3), 0.5 * math.asinh(expected / nz)]
        return np.array(f, float)
