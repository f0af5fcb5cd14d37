//! A real iroh-gossip node for the interop scenarios.
//!
//! Broadcasts every line of standard input on one topic and prints what happens as JSON lines on standard output:
//! `ready`, `neighbor_up`, `neighbor_down`, `received`, `lagged`. At the end of input it goes on serving; SIGTERM or
//! SIGINT makes it leave the topic and exit 0. Relays are off, and so is every address lookup but the tickets given and
//! what gossip itself learns.

mod args;
mod key;

use std::error::Error;
use std::process::ExitCode;

use args::Args;
use iroh::address_lookup::memory::MemoryLookup;
use iroh::endpoint::presets;
use iroh::protocol::Router;
use iroh::{Endpoint, EndpointAddr, RelayMode, TransportAddr};
use iroh_gossip::api::{Event, GossipReceiver, GossipSender, JoinOptions};
use iroh_gossip::net::{Gossip, GOSSIP_ALPN};
use iroh_tickets::endpoint::EndpointTicket;
use n0_future::StreamExt;
use serde_json::{json, Value};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{signal, SignalKind};

/// Room for events between the swarm and our printing; beyond it iroh-gossip reports `Lagged`.
const EVENT_CAPACITY: usize = 1 << 16;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("gossip-peer: {message}\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome = runtime.block_on(run(args));
    // A read of standard input may still block a thread: do not wait for it.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("gossip-peer: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let lookup = MemoryLookup::new();
    let endpoint = bind(&args, lookup.clone()).await?;
    let gossip = Gossip::builder().spawn(endpoint.clone());
    let router = Router::builder(endpoint.clone()).accept(GOSSIP_ALPN, gossip.clone()).spawn();

    let bootstrap: Vec<_> = args.join.iter().map(|addr| addr.id).collect();
    args.join.into_iter().for_each(|addr| lookup.add_endpoint_info(addr));
    let options = JoinOptions { bootstrap: bootstrap.into_iter().collect(), subscription_capacity: EVENT_CAPACITY };
    let (sender, receiver) = gossip.subscribe_with_opts(args.topic, options).await?.split();
    announce(&endpoint);

    tokio::select! {
        result = broadcast_input(sender) => result?,
        result = print_events(receiver) => result?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    router.shutdown().await?;
    Ok(())
}

async fn bind(args: &Args, lookup: MemoryLookup) -> Result<Endpoint, Box<dyn Error>> {
    let endpoint = Endpoint::builder(presets::Minimal)
        .secret_key(key::load_or_create(args.key.as_deref())?)
        .relay_mode(RelayMode::Disabled)
        .address_lookup(lookup)
        .clear_ip_transports()
        .bind_addr(args.bind)?
        .bind()
        .await?;
    Ok(endpoint)
}

fn announce(endpoint: &Endpoint) {
    let sockets = endpoint.bound_sockets();
    let addr = EndpointAddr::from_parts(endpoint.id(), sockets.iter().copied().map(TransportAddr::Ip));
    let ticket = EndpointTicket::from(addr).to_string();
    emit(json!({"event": "ready", "id": endpoint.id().to_string(), "ticket": ticket, "addrs": sockets}));
}

/// Broadcasts line by line; at the end of input waits for ever, as the node is to go on serving.
async fn broadcast_input(sender: GossipSender) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        sender.broadcast(line.into_bytes().into()).await?;
    }
    std::future::pending().await
}

async fn print_events(mut receiver: GossipReceiver) -> Result<(), Box<dyn Error>> {
    while let Some(event) = receiver.next().await {
        emit(match event? {
            Event::NeighborUp(peer) => json!({"event": "neighbor_up", "peer": peer.to_string()}),
            Event::NeighborDown(peer) => json!({"event": "neighbor_down", "peer": peer.to_string()}),
            Event::Received(message) => json!({
                "event": "received",
                "content": String::from_utf8_lossy(&message.content),
                "from": message.delivered_from.to_string(),
            }),
            Event::Lagged => json!({"event": "lagged"}),
        });
    }
    Err("the topic's event stream ended".into())
}

/// One line, written at once: standard output of Rust is line buffered.
fn emit(value: Value) {
    println!("{value}");
}
