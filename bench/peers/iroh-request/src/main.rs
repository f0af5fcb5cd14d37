//! Requests over iroh, for comparison: each is a bidirectional stream of its own on one warm connection.
//!
//! `serve` prints `{"id":..,"addr":..}` and echoes every stream until it is killed. `ask ID ADDR COUNT BYTES` makes a
//! tenth of COUNT requests to warm up, then COUNT one after another, and prints their nanoseconds as a JSON array.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use iroh::endpoint::{presets, Connection};
use iroh::{Endpoint, EndpointAddr, RelayMode, TransportAddr};
use serde_json::json;

const ALPN: &[u8] = b"bench/request/1";
const REPLY_MAX: usize = 1 << 16;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match words.as_slice() {
        ["serve"] => runtime.block_on(serve()),
        ["ask", id, addr, count, bytes] => runtime.block_on(ask(id, addr, count.parse()?, bytes.parse()?)),
        _ => Err("usage: iroh-request serve | ask ID ADDR COUNT BYTES".into()),
    }
}

async fn bind() -> Outcome<Endpoint> {
    let any: SocketAddr = "127.0.0.1:0".parse()?;
    let builder = Endpoint::builder(presets::Minimal).relay_mode(RelayMode::Disabled).alpns(vec![ALPN.to_vec()]);
    Ok(builder.clear_ip_transports().bind_addr(any)?.bind().await?)
}

async fn serve() -> Outcome<()> {
    let endpoint = bind().await?;
    println!("{}", json!({"id": endpoint.id().to_string(), "addr": endpoint.bound_sockets()[0]}));
    while let Some(incoming) = endpoint.accept().await {
        let connection = incoming.await?;
        // One client, and one request at a time.
        while let Ok((mut send, mut receive)) = connection.accept_bi().await {
            let payload = receive.read_to_end(REPLY_MAX).await?;
            send.write_all(&payload).await?;
            send.finish()?;
        }
    }
    Ok(())
}

async fn request(connection: &Connection, payload: &[u8]) -> Outcome<u64> {
    let began = Instant::now();
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(payload).await?;
    send.finish()?;
    let reply = receive.read_to_end(REPLY_MAX).await?;
    let taken = began.elapsed();
    if reply != payload {
        return Err("the reply is not the payload".into());
    }
    Ok(taken.as_nanos() as u64)
}

async fn ask(id: &str, addr: &str, count: usize, bytes: usize) -> Outcome<()> {
    let endpoint = bind().await?;
    let peer = EndpointAddr::from_parts(id.parse()?, [TransportAddr::Ip(addr.parse()?)]);
    let connection = endpoint.connect(peer, ALPN).await?;
    let payload = vec![0x5a; bytes];
    for _ in 0..count / 10 {
        request(&connection, &payload).await?;
    }
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(request(&connection, &payload).await?);
    }
    println!("{}", json!(times));
    Ok(())
}
