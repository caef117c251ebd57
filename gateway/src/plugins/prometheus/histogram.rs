/// Upper bounds in milliseconds.
pub const GATEWAY: &[u64] = &[
    1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000,
];
pub const UPSTREAM: &[u64] = &[
    25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10_000, 30_000, 60_000,
];

#[derive(Clone)]
pub struct Histogram {
    bounds: &'static [u64],
    /// Not cumulative; the last one is for everything above.
    counts: Vec<u64>,
    sum: u64,
}

impl Histogram {
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0,
        }
    }

    pub fn observe(&mut self, milliseconds: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < milliseconds);
        self.counts[bucket] += 1;
        self.sum += milliseconds;
    }

    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    /// Writes the series; `labels` without braces.
    pub fn write(&self, name: &str, labels: &str, into: &mut String) {
        use std::fmt::Write;
        let mut total = 0;
        for (position, count) in self.counts.iter().enumerate() {
            total += count;
            let bound = self
                .bounds
                .get(position)
                .map_or_else(|| "+Inf".to_owned(), u64::to_string);
            let _ = writeln!(into, "{name}_bucket{{{labels},le=\"{bound}\"}} {total}");
        }
        let _ = writeln!(
            into,
            "{name}_count{{{labels}}} {total}\n{name}_sum{{{labels}}} {}",
            self.sum
        );
    }
}
