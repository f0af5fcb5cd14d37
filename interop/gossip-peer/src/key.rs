//! The endpoint's secret key: 64 hex digits in a file of mode 0600, made on first use.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use iroh::SecretKey;

pub fn load_or_create(path: Option<&Path>) -> Result<SecretKey, Box<dyn Error>> {
    let Some(path) = path else {
        return Ok(SecretKey::generate());
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().parse().map_err(|e| format!("{}: {e}", path.display()))?),
        Err(e) if e.kind() == ErrorKind::NotFound => create(path),
        Err(e) => Err(format!("{}: {e}", path.display()).into()),
    }
}

fn create(path: &Path) -> Result<SecretKey, Box<dyn Error>> {
    let key = SecretKey::generate();
    let hex: String = key.to_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{hex}")?;
    file.sync_all()?;
    Ok(key)
}
