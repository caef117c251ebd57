//! What the operating system says of a process.

use std::{fs, time::Duration};

use anyhow::Context;

/// Clock ticks per second of `/proc/<pid>/stat`; 100 on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time (user and system) of a process and, for servers with workers, of its children.
pub fn cpu(pids: &[u32]) -> anyhow::Result<Duration> {
    let mut ticks = 0.0;
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in parentheses may contain blanks; numbers follow the last parenthesis.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        for field in [11, 12] {
            ticks += fields
                .get(field)
                .context("a short stat line")?
                .parse::<f64>()?;
        }
    }
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// Resident memory in MiB.
pub fn memory_mib(pid: u32) -> anyhow::Result<f64> {
    mib(pid, "VmRSS:")
}

/// The most that it ever was.
pub fn peak_mib(pid: u32) -> anyhow::Result<f64> {
    mib(pid, "VmHWM:")
}

fn mib(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .with_context(|| format!("no {name}"))?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .with_context(|| format!("a short line {name}"))?
        .parse()?;
    Ok(kib / 1024.0)
}

/// The processes whose parent is `pid`.
pub fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
