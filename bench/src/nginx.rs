//! nginx as the peer, with the configuration that its manual recommends for a proxy.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

use crate::process;

/// A running nginx. It stops its workers itself when it is told to stop; killed, it leaves them
/// behind.
pub struct Nginx {
    master: Child,
    configuration: PathBuf,
}

impl Nginx {
    /// Its workers, one per core, as soon as they are there: the port is open before them.
    pub async fn workers(&self) -> anyhow::Result<Vec<u32>> {
        let master = self.master.id().context("nginx has ended")?;
        let cores = std::thread::available_parallelism()?.get();
        for _ in 0..500 {
            let workers = process::children(master);
            if workers.len() == cores {
                return Ok(workers);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("nginx has not started one worker per core")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let stopped = std::process::Command::new("nginx")
            .arg("-c")
            .arg(&self.configuration)
            .args(["-s", "stop"])
            .stderr(Stdio::null())
            .status();
        if let Err(error) = stopped {
            eprintln!("nginx cannot be stopped: {error}");
        }
    }
}

/// Starts nginx as a plain proxy from `listen` to `backend`; nothing if it is not installed.
pub fn start(
    folder: &Path,
    listen: SocketAddr,
    backend: SocketAddr,
) -> anyhow::Result<Option<Nginx>> {
    let configuration = format!(
        "daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/error.log;
         events {{ worker_connections 4096; }}
         http {{
           access_log off;
           keepalive_requests 1000000;
           client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
           uwsgi_temp_path {folder}; scgi_temp_path {folder};
           upstream backend {{ server {backend}; keepalive 512; keepalive_requests 1000000; }}
           server {{
             listen {listen} backlog=4096 reuseport;
             location / {{
               proxy_pass http://backend;
               proxy_http_version 1.1;
               proxy_set_header Connection \"\";
               proxy_set_header X-Forwarded-For $remote_addr;
               proxy_set_header X-Real-IP $remote_addr;
             }}
             location /headers/ {{
               proxy_pass http://backend;
               proxy_http_version 1.1;
               proxy_set_header Connection \"\";
               proxy_set_header X-Forwarded-For $remote_addr;
               proxy_set_header X-Real-IP $remote_addr;
               proxy_set_header X-Forwarded-Proto $scheme;
               proxy_set_header X-Forwarded-Host $host;
               proxy_set_header X-Forwarded-Port $server_port;
               proxy_set_header X-Forwarded-Path $uri;
               proxy_set_header X-Kong-Request-Id $request_id;
               proxy_set_header Via \"1.1 nginx\";
               add_header Via \"1.1 nginx\";
               add_header X-Kong-Request-Id $request_id;
               add_header X-Kong-Upstream-Latency $upstream_response_time;
               add_header X-Kong-Proxy-Latency $request_time;
             }}
           }}
         }}",
        folder = folder.display(),
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let child = Command::new("nginx")
        .args([
            "-c",
            &file.display().to_string(),
            "-p",
            &folder.display().to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(master) => Ok(Some(Nginx {
            master,
            configuration: file,
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("cannot start nginx"),
    }
}
