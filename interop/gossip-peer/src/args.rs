//! Command line of the peer: the twin of `grapevine gossip`.

use std::net::SocketAddr;
use std::path::PathBuf;

use iroh::EndpointAddr;
use iroh_gossip::proto::TopicId;
use iroh_tickets::endpoint::EndpointTicket;

pub const USAGE: &str = "usage: gossip-peer --topic HEX64 [--join TICKET]... [--key FILE] [--bind ADDR]";

#[derive(Debug)]
pub struct Args {
    pub topic: TopicId,
    pub join: Vec<EndpointAddr>,
    pub key: Option<PathBuf>,
    pub bind: SocketAddr,
}

impl Args {
    /// Parses the words after the program's name; the error names the offender.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut topic = None;
        let mut args = Args {
            topic: TopicId::from_bytes([0; 32]),
            join: Vec::new(),
            key: None,
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--topic" => topic = Some(parse_topic(&value()?)?),
                "--join" => args.join.push(parse_ticket(&value()?)?),
                "--key" => args.key = Some(value()?.into()),
                "--bind" => args.bind = parse_addr(&value()?)?,
                other => return Err(format!("unknown option {other}")),
            }
        }
        args.topic = topic.ok_or("--topic is missing")?;
        Ok(args)
    }
}

fn parse_topic(text: &str) -> Result<TopicId, String> {
    let bad = || format!("--topic: '{text}' is not 64 hex digits");
    if text.len() != 64 || !text.is_ascii() {
        return Err(bad());
    }
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| bad())?;
    }
    Ok(TopicId::from_bytes(bytes))
}

fn parse_ticket(text: &str) -> Result<EndpointAddr, String> {
    let ticket: EndpointTicket = text.parse().map_err(|e| format!("--join: '{text}': {e}"))?;
    Ok(ticket.into())
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|e| format!("--bind: '{text}': {e}"))
}
