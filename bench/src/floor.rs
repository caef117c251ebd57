//! The least that a proxy on hyper costs: it reads, sends on, and adds nothing. What the gateway
//! costs beyond it is what the gateway does.

use std::{cell::RefCell, convert::Infallible, net::SocketAddr, rc::Rc};

use hyper::{
    Request, Response, body::Incoming, client::conn::http1 as client,
    server::conn::http1 as server, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::LocalOptions,
};

type Idle = Rc<RefCell<Vec<client::SendRequest<Incoming>>>>;

/// Runs until it is killed, with one thread per core.
pub fn run(listen: SocketAddr, backend: SocketAddr) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let workers: Vec<_> = (0..cores)
        .map(|_| std::thread::spawn(move || worker(listen, backend)))
        .collect();
    for worker in workers {
        worker.join().expect("a worker panicked")?;
    }
    Ok(())
}

fn worker(listen: SocketAddr, backend: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async move {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        socket.listen(4096)?;
        let listener = TcpListener::from_std(socket.into())?;
        let idle = Idle::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let idle = idle.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(move |request| forward(request, backend, idle.clone()));
                let _ = server::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

async fn forward(
    request: Request<Incoming>,
    backend: SocketAddr,
    idle: Idle,
) -> Result<Response<Incoming>, Infallible> {
    let kept = idle.borrow_mut().pop();
    let mut sender = match kept {
        Some(sender) => sender,
        None => connect(backend).await.expect("the backend answers"),
    };
    sender.ready().await.expect("the backend keeps connections");
    let answer = sender.send_request(request).await;
    idle.borrow_mut().push(sender);
    Ok(answer.expect("the backend answers"))
}

async fn connect(backend: SocketAddr) -> anyhow::Result<client::SendRequest<Incoming>> {
    let stream = TcpStream::connect(backend).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    Ok(sender)
}
