//! What the files for operators name exists: variables, commands, ports, paths, metrics.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::Installation;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Files with variables of ours.
const SETTINGS: [&str; 6] = [
    "docker-compose.yml",
    "docker-stack.yml",
    "deploy/systemd/common.env",
    "haproxy/container.env",
    "haproxy/machine.env",
    "Dockerfile",
];
const KUBERNETES: [&str; 8] = [
    "settings",
    "portal-api",
    "auth-server",
    "portal",
    "gateway",
    "gateway-adapter",
    "mailer",
    "chatbot",
];
/// Variables of these files that other programs read, or the files themselves.
const FOREIGN: [&str; 5] = [
    "POSTGRES_",
    "HTTP_BIND",
    "HTTPS_BIND",
    "BUILD_",
    "BASE_IMAGE",
];

#[test]
fn every_variable_is_read_somewhere() {
    let mut sources = sources();
    sources.push_str(&read("haproxy/haproxy.cfg"));
    let kubernetes = KUBERNETES.map(|name| format!("deploy/kubernetes/{name}.yaml"));
    for file in SETTINGS.map(str::to_owned).iter().chain(&kubernetes) {
        for name in variables(&read(file)) {
            let own = name.strip_suffix("_FILE").unwrap_or(&name);
            let is_known = sources.contains(&format!("\"{own}\""))
                || sources.contains(&format!("${{{own}}}"))
                || FOREIGN.iter().any(|prefix| own.starts_with(prefix))
                // Wicked's names for members of the configuration, which are put together.
                || own.starts_with("PORTAL_NETWORK_");
            assert!(is_known, "{file}: nobody reads {name}");
        }
    }
}

#[test]
fn the_sample_fits_the_addresses_of_the_files() {
    for file in [
        "docker-compose.yml",
        "deploy/kubernetes/settings.yaml",
        "deploy/systemd/common.env",
    ] {
        let text = read(file);
        let address = text.lines().find_map(|line| {
            let rest = line.trim().strip_prefix("PORTAL_ECHO_URL")?;
            Some(rest.trim_start_matches([':', '=', ' ']))
        });
        let output = Command::new(Installation::binary())
            .args(["config", "check", "static-config"])
            .env("PORTAL_ECHO_URL", address.unwrap())
            .current_dir(ROOT)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("no problems"), "{file}: {said}");
    }
}

#[test]
fn every_command_is_one() {
    let compose = read("docker-compose.yml");
    let commands = compose.lines().filter_map(|line| {
        let line = line.trim();
        let list = line
            .strip_prefix("command: [")
            .or_else(|| line.strip_prefix("test: [CMD, /usr/bin/wicketgate, "))?;
        Some(list.split([',', ']']).next().unwrap().to_owned())
    });
    let commands: BTreeSet<String> = commands.collect();
    assert!(commands.len() > 7, "{commands:?}");
    for command in commands {
        let output = Command::new(Installation::binary())
            .args([&command, "--help"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
}

#[test]
fn every_port_is_that_of_its_service() {
    let files = [
        "docker-compose.yml",
        "haproxy/container.env",
        "deploy/monitoring/prometheus.yml",
    ];
    let ports: &[(&str, &[u16])] = &[
        ("portal-api-1", &[3001, 3009]),
        ("portal-api-2", &[3001]),
        ("auth-server-1", &[3010]),
        ("auth-server-2", &[3010]),
        ("portal-1", &[3000]),
        ("portal-2", &[3000]),
        ("gateway-1", &[8000, 8001, 8007]),
        ("gateway-2", &[8000, 8001, 8007]),
        ("gateway-adapter", &[3002]),
        ("mailer", &[3003]),
        ("chatbot", &[3004]),
        ("haproxy", &[3001, 3010, 8404]),
        ("portal-redis", &[6379]),
    ];
    for file in files {
        let text = read(file);
        for (host, allowed) in ports {
            for (at, _) in text.match_indices(&format!("{host}:")) {
                let before = text[..at].chars().last();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '-') {
                    continue;
                }
                let rest = &text[at + host.len() + 1..];
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                // The tag of an image has a point in it.
                let is_tag = rest[digits.len()..].starts_with('.');
                if let Ok(port) = digits.parse()
                    && !is_tag
                {
                    assert!(allowed.contains(&port), "{file}: {host}:{port}");
                }
            }
        }
    }
}

#[test]
fn every_path_exists_and_every_metric_is_measured() {
    for line in read("docker-compose.yml").lines() {
        if let Some((_, rest)) = line.split_once("- ./") {
            let path = rest.split(':').next().unwrap();
            assert!(Path::new(ROOT).join(path).exists(), "{path}");
        }
    }
    let sources = sources();
    for file in ["alerts.yml", "grafana/dashboards/wicketgate.json"] {
        let text = read(&format!("deploy/monitoring/{file}"));
        let names = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let metrics =
            names.filter(|name| name.starts_with("wicketgate_") || name.starts_with("kong_"));
        for metric in metrics {
            let base = metric
                .trim_end_matches("_bucket")
                .trim_end_matches("_count");
            assert!(sources.contains(&format!("\"{base}\"")), "{file}: {metric}");
        }
    }
}

#[test]
fn docker_compose_takes_every_profile() {
    if Command::new("docker-compose")
        .arg("--version")
        .output()
        .is_err()
    {
        let must_be_there = service::settings::var("WICKETGATE_TEST_FULL").is_some();
        assert!(!must_be_there, "docker-compose is needed");
        // Written past the test runner, which shows nothing of tests that pass.
        let line = format_args!("skipped: no docker-compose\n");
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
        return;
    }
    for profile in ["small", "full", "monitoring"] {
        let output = Command::new("docker-compose")
            .args(["--profile", profile, "config", "--quiet"])
            .current_dir(ROOT)
            .output()
            .unwrap();
        assert!(output.status.success(), "{profile}: {output:?}");
    }
}

#[test]
fn stack_and_chart_are_those_of_compose_file_and_manifests() {
    let yaml = Command::new("python3").args(["-c", "import yaml"]).output();
    if !yaml.is_ok_and(|output| output.status.success()) {
        let must_be_there = service::settings::var("WICKETGATE_TEST_FULL").is_some();
        assert!(!must_be_there, "python3 with yaml is needed");
        let line = format_args!("skipped: no python3 with yaml\n");
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
        return;
    }
    let run = |script: &str, arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(Path::new(ROOT).join(script)).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(
        run("scripts/docker-stack", &[]) == read("docker-stack.yml"),
        "run scripts/docker-stack > docker-stack.yml"
    );
    // It compares what the chart gives with the manifests.
    run("scripts/helm-chart", &["--check"]);
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// Names before `:` or `=` that are written in capitals.
fn variables(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let line = line.trim().trim_start_matches("ENV ");
        let line = line.trim_start_matches("- {name: ");
        let end = line.find([':', '=', ','])?;
        let name = &line[..end];
        let is_name = name.len() > 3
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        is_name.then(|| name.to_owned())
    };
    text.lines().filter_map(name).collect()
}

/// The code of all services in one text.
fn sources() -> String {
    let mut text = String::new();
    let folders = [
        "adapters",
        "auth-server",
        "config",
        "gateway",
        "portal",
        "portal-api",
        "sdk",
        "service",
        "wicketgate",
    ];
    let mut waiting: Vec<PathBuf> = folders.map(|folder| Path::new(ROOT).join(folder)).into();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}
