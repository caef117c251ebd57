//! One connection.

use std::{io, time::Duration};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use super::{Received, SmtpServer, Tls, Trouble};

/// base64 of `\0portal\0hush`.
const LOGIN: &str = "AHBvcnRhbABodXNo";

/// Converses until the client or some trouble ends it.
pub async fn run<S>(
    server: &SmtpServer,
    mut stream: BufReader<S>,
    encrypted: bool,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    answer(&mut stream, "220 mail.acme.example ESMTP").await?;
    converse(server, stream, encrypted).await
}

fn converse<S>(
    server: &SmtpServer,
    mut stream: BufReader<S>,
    encrypted: bool,
) -> std::pin::Pin<Box<dyn Future<Output = io::Result<()>> + Send + '_>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(async move {
        let manners = server.0.manners;
        let offers_tls = manners.tls == Tls::Offered;
        let (mut mail, mut login, mut trouble) = (Received::default(), None, None);
        let mut slow = Duration::ZERO;
        while let Some(line) = read(&mut stream).await? {
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            tokio::time::sleep(slow).await;
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    let mut offers = vec!["mail.acme.example", "8BITMIME"];
                    if offers_tls && !encrypted {
                        offers.push("STARTTLS");
                    } else if manners.auth {
                        offers.push("AUTH PLAIN");
                    }
                    if manners.smtputf8 {
                        offers.push("SMTPUTF8");
                    }
                    let last = offers.pop().unwrap();
                    for offer in offers {
                        answer(&mut stream, &format!("250-{offer}")).await?;
                    }
                    answer(&mut stream, &format!("250 {last}")).await?;
                }
                "STARTTLS" if offers_tls && !encrypted => {
                    answer(&mut stream, "220 go ahead").await?;
                    let tls = server.0.tls.accept(stream.into_inner()).await?;
                    return converse_encrypted(server, tls).await;
                }
                _ if offers_tls && !encrypted => {
                    answer(&mut stream, "530 STARTTLS first").await?;
                }
                "AUTH" if line.ends_with(LOGIN) => {
                    login = Some("portal".to_owned());
                    answer(&mut stream, "235 welcome").await?;
                }
                "AUTH" => answer(&mut stream, "535 wrong password").await?,
                "MAIL" if manners.auth && login.is_none() => {
                    answer(&mut stream, "530 log in first").await?;
                }
                "MAIL" => {
                    trouble = server.next_trouble();
                    if let Some(Trouble::Slow(pause)) = trouble {
                        slow = pause;
                    }
                    mail = Received {
                        login: login.clone(),
                        is_encrypted: encrypted,
                        from: line.clone(),
                        ..Received::default()
                    };
                    answer(&mut stream, "250 ok").await?;
                }
                "RCPT" => match trouble {
                    Some(Trouble::Silent) => return until_gone(&mut stream).await,
                    Some(Trouble::Refuse(refusal)) => answer(&mut stream, refusal).await?,
                    _ if manners.greylisting && server.is_new(&line) => {
                        answer(&mut stream, "451 4.7.1 please come back later").await?;
                    }
                    _ => {
                        mail.to.push(line.clone());
                        answer(&mut stream, "250 ok").await?;
                    }
                },
                "DATA" if mail.to.is_empty() => answer(&mut stream, "503 no receivers").await?,
                "DATA" => {
                    answer(&mut stream, "354 go on").await?;
                    let mut lines = 0;
                    while let Some(line) = read(&mut stream).await?.filter(|line| line != ".") {
                        lines += 1;
                        if trouble == Some(Trouble::CutInData) && lines == 4 {
                            return Ok(());
                        }
                        mail.data.push_str(&line);
                        mail.data.push('\n');
                    }
                    if let Some(Trouble::RefuseContent(refusal)) = trouble {
                        answer(&mut stream, refusal).await?;
                        continue;
                    }
                    server.receive(mail.clone());
                    if trouble == Some(Trouble::LoseAnswer) {
                        return Ok(());
                    }
                    if trouble == Some(Trouble::SilentAfterMail) {
                        return until_gone(&mut stream).await;
                    }
                    tokio::time::sleep(slow).await;
                    answer(&mut stream, "250 queued").await?;
                }
                "QUIT" => return answer(&mut stream, "221 bye").await,
                "RSET" | "NOOP" => answer(&mut stream, "250 ok").await?,
                _ => answer(&mut stream, "502 what?").await?,
            }
        }
        Ok(())
    })
}

async fn converse_encrypted<S>(server: &SmtpServer, stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Boxed as a trait object: the type would else hold itself.
    let stream: Box<dyn Stream> = Box::new(stream);
    converse(server, BufReader::new(stream), true).await
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&line);
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Says nothing more until the client hangs up.
async fn until_gone<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
) -> io::Result<()> {
    while read(stream).await?.is_some() {}
    Ok(())
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    line: &str,
) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}
