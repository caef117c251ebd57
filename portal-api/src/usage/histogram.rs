//! Percentiles out of counts per latency bucket.

use sdk::types::usage::LATENCY_BUCKETS_MS;

/// Adds `more` to `counts`, bucket by bucket.
pub fn add(counts: &mut Vec<u64>, more: &[u64]) {
    if counts.len() < more.len() {
        counts.resize(more.len(), 0);
    }
    for (count, more) in counts.iter_mut().zip(more) {
        *count = count.saturating_add(*more);
    }
}

/// The latency in milliseconds that `share` of the calls did not exceed; within a bucket calls
/// count as spread evenly. Nothing if nothing was measured.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of calls; the result is an estimate"
)]
pub fn percentile(counts: &[u64], share: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let wanted = total as f64 * share;
    let mut below = 0.0;
    for (bucket, count) in counts.iter().enumerate() {
        let count = *count as f64;
        if count > 0.0 && below + count >= wanted {
            let lower = if bucket == 0 { 0.0 } else { bound(bucket - 1) };
            // The last bucket has no upper bound; its lower one is what is known for sure.
            let upper = if bucket < LATENCY_BUCKETS_MS.len() {
                bound(bucket)
            } else {
                lower
            };
            return Some(lower + (upper - lower) * ((wanted - below) / count).clamp(0.0, 1.0));
        }
        below += count;
    }
    LATENCY_BUCKETS_MS.last().map(|bound| f64::from(*bound))
}

fn bound(bucket: usize) -> f64 {
    let last = LATENCY_BUCKETS_MS.len() - 1;
    f64::from(LATENCY_BUCKETS_MS[bucket.min(last)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(usize, u64)]) -> Vec<u64> {
        let mut counts = vec![0; LATENCY_BUCKETS_MS.len() + 1];
        for (bucket, count) in pairs {
            counts[*bucket] = *count;
        }
        counts
    }

    #[test]
    fn percentiles_lie_within_the_bucket_that_holds_them() {
        // 90 calls of up to 10 ms, 10 calls of up to 100 ms.
        let counts = counts(&[(3, 90), (6, 10)]);
        let p50 = percentile(&counts, 0.5).unwrap();
        assert!((5.0..=10.0).contains(&p50), "{p50}");
        let p95 = percentile(&counts, 0.95).unwrap();
        assert!((50.0..=100.0).contains(&p95), "{p95}");
    }

    #[test]
    fn nothing_measured_has_no_percentile_and_the_last_bucket_no_end() {
        assert_eq!(percentile(&counts(&[]), 0.5), None);
        assert_eq!(percentile(&counts(&[(13, 5)]), 0.95), Some(10_000.0));
    }

    #[test]
    fn counts_add_up_bucket_by_bucket() {
        let mut sum = vec![1, 2];
        add(&mut sum, &[1, 1, 1]);
        assert_eq!(sum, [2, 3, 1]);
    }
}
