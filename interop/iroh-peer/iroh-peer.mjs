// A real iroh endpoint with the command line of `grapevine listen` and `grapevine connect`, so that the endpoint
// scenarios can put either program on either side. The command line is specified in ../CONTRACT.md.
//
// iroh starts a UPnP port mapper and binds [::] as well: run it in a network namespace that has only loopback.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import iroh from '@number0/iroh'

const { Endpoint, EndpointAddr, EndpointTicket, RelayMode, presetMinimal } = iroh

const kChunk = 64 * 1024 // bytes per write and per read; the binding copies each chunk number by number
const kUsage = `usage: iroh-peer.mjs listen [--alpn NAME] [--echo] [common]
       iroh-peer.mjs connect TICKET [--alpn NAME] [--streams N] [--uni] [--hold SECONDS] [common]
common: [--key FILE] [--bind ADDR] [--close-code N] [--close-reason TEXT]`

class UsageError extends Error {}

const bytesOf = (text) => Array.from(Buffer.from(text, 'utf8'))
const print = (stream, value) => stream.write(JSON.stringify(value) + '\n')

function parseArgs(words) {
  const args = { alpn: 'grapevine/echo/1', bind: '127.0.0.1:0', streams: 0, hold: 0, closeCode: 0, closeReason: '' }
  const texts = { '--alpn': 'alpn', '--bind': 'bind', '--key': 'key', '--close-reason': 'closeReason' }
  const counts = { '--streams': 'streams', '--hold': 'hold', '--close-code': 'closeCode' }
  const switches = { '--echo': 'echo', '--uni': 'uni' }
  const [command, ...rest] = words
  args.command = command
  while (rest.length > 0) {
    const word = rest.shift()
    if (word in switches) args[switches[word]] = true
    else if (word in texts) args[texts[word]] = valueOf(word, rest)
    else if (word in counts) args[counts[word]] = countOf(word, valueOf(word, rest))
    else if (command === 'connect' && !args.ticket && !word.startsWith('--')) args.ticket = word
    else throw new UsageError(`unknown argument ${word}`)
  }
  if (command !== 'listen' && command !== 'connect') throw new UsageError(`unknown command ${command}`)
  if (command === 'connect' && !args.ticket) throw new UsageError('connect needs a ticket')
  return args
}

function valueOf(word, rest) {
  if (rest.length === 0) throw new UsageError(`${word} needs a value`)
  return rest.shift()
}

function countOf(word, text) {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${word}: '${text}' is not a number`)
  return Number(text)
}

async function bind(args) {
  const builder = Endpoint.builder()
  presetMinimal(builder)
  builder.relayMode(RelayMode.disabled())
  builder.bindAddr(args.bind)
  if (args.command === 'listen') builder.alpns([bytesOf(args.alpn)])
  if (args.key) builder.secretKey(readKey(args.key))
  return builder.bind()
}

// 64 hex digits, or 32 raw bytes.
function readKey(path) {
  const raw = readFileSync(path)
  const key = raw.length === 32 ? raw : Buffer.from(raw.toString('ascii').trim(), 'hex')
  if (key.length !== 32) throw new UsageError(`${path}: neither 32 bytes nor 64 hex digits`)
  return Array.from(key)
}

// ---- closing -------------------------------------------------------------------------------------------------------

// iroh hands over a text: "closed by peer: REASON (code N)", or "closed by peer: N" without a reason.
function parseClosed(text) {
  const full = /^closed by peer: (.*) \(code (\d+)\)$/s.exec(text)
  if (full) return { by: 'peer', code: Number(full[2]), reason: full[1] }
  const bare = /^closed by peer: (\d+)$/.exec(text)
  if (bare) return { by: 'peer', code: Number(bare[1]), reason: '' }
  return { by: text === 'closed' ? 'us' : 'other', code: null, reason: text }
}

const reportClosed = (text, conn) =>
  print(process.stderr, { event: 'closed', ...parseClosed(text), peer: conn.remoteId().toString() })
const close = (conn, args) => conn.close(BigInt(args.closeCode), bytesOf(args.closeReason))

// The binding appends a stack trace to its messages.
const reasonOf = (error) => error.message.split('\n\nStack backtrace')[0]

// ---- listen --------------------------------------------------------------------------------------------------------

async function copy(recv, send) {
  for (;;) {
    const chunk = await recv.read(kChunk)
    if (chunk.length === 0) break
    await send.writeAll(chunk)
  }
  await send.finish()
}

// Runs `serve` on each stream that `accept` yields until the connection ends; a failed stream ends only itself.
async function forEachStream(accept, serve) {
  for (;;) {
    let stream
    try {
      stream = await accept()
    } catch {
      return
    }
    serve(stream).catch((error) => print(process.stderr, { event: 'stream_failed', reason: reasonOf(error) }))
  }
}

async function echo(conn) {
  const bi = forEachStream(() => conn.acceptBi(), (stream) => copy(stream.recv, stream.send))
  const uni = forEachStream(() => conn.acceptUni(), async (recv) => copy(recv, await conn.openUni()))
  await Promise.all([bi, uni])
}

async function joinStdio(conn) {
  const stream = await conn.acceptBi()
  await Promise.all([sendStdin(stream.send), receive(stream.recv, (chunk) => writeOut(chunk))])
}

async function serve(incoming, args, open) {
  let conn
  try {
    conn = await (await incoming.accept()).connect()
  } catch (error) {
    print(process.stderr, { event: 'refused', reason: reasonOf(error) })
    return
  }
  open.add(conn)
  const serving = (args.echo ? echo(conn) : joinStdio(conn)).catch(() => {})
  reportClosed(await conn.closed(), conn)
  open.delete(conn)
  await serving
}

async function listen(args) {
  const endpoint = await bind(args)
  const open = new Set()
  const stop = async () => {
    for (const conn of open) close(conn, args)
    await endpoint.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  const id = endpoint.id()
  const addrs = endpoint.boundSockets().filter((addr) => !/^(0\.0\.0\.0|\[::\]):/.test(addr))
  const ticket = EndpointTicket.fromAddr(new EndpointAddr(id, null, addrs)).toString()
  print(process.stdout, { event: 'ready', id: id.toString(), ticket, addrs })
  for (;;) {
    const incoming = await endpoint.acceptNext()
    if (!incoming) return
    serve(incoming, args, open)
  }
}

// ---- connect -------------------------------------------------------------------------------------------------------

async function sendBytes(send, data) {
  for (let at = 0; at < data.length; at += kChunk) await send.writeAll(Array.from(data.subarray(at, at + kChunk)))
  await send.finish()
}

async function sendStdin(send) {
  for await (const data of process.stdin)
    for (let at = 0; at < data.length; at += kChunk) await send.writeAll(Array.from(data.subarray(at, at + kChunk)))
  await send.finish()
}

async function receive(recv, sink) {
  let total = 0
  for (;;) {
    const chunk = await recv.read(kChunk)
    if (chunk.length === 0) return total
    total += chunk.length
    await sink(Buffer.from(chunk))
  }
}

function writeOut(chunk) {
  return new Promise((resolve) => process.stdout.write(chunk, resolve))
}

async function readStdin() {
  const parts = []
  for await (const part of process.stdin) parts.push(part)
  return Buffer.concat(parts)
}

async function hashedStream(conn, index, data) {
  const stream = await conn.openBi()
  const hash = createHash('sha256')
  const sending = sendBytes(stream.send, data)
  const bytes = await receive(stream.recv, (chunk) => void hash.update(chunk))
  await sending
  print(process.stdout, { event: 'stream', index, bytes, sha256: hash.digest('hex') })
}

async function echoOnce(conn, send) {
  const stream = await conn.openBi()
  await Promise.all([send(stream.send), receive(stream.recv, writeOut)])
}

async function uniOnce(conn) {
  await sendStdin(await conn.openUni())
  await receive(await conn.acceptUni(), writeOut)
}

// Resolves after that many seconds, or at once when the connection ends.
function idle(conn, seconds) {
  let timer
  const elapsed = new Promise((resolve) => (timer = setTimeout(() => resolve(true), seconds * 1000)))
  const ended = conn.closed().then(() => false)
  return Promise.race([elapsed, ended]).finally(() => clearTimeout(timer))
}

async function hold(conn, seconds) {
  const data = await readStdin()
  await echoOnce(conn, (send) => sendBytes(send, data))
  if (!(await idle(conn, seconds))) throw new Error('the connection ended while idle')
  await echoOnce(conn, (send) => sendBytes(send, data))
}

async function converse(conn, args) {
  if (args.uni) return uniOnce(conn)
  if (args.hold > 0) return hold(conn, args.hold)
  if (args.streams === 0) return echoOnce(conn, sendStdin)
  const data = await readStdin()
  await Promise.all(Array.from({ length: args.streams }, (_, index) => hashedStream(conn, index, data)))
}

async function connect(args) {
  const addr = EndpointTicket.fromString(args.ticket).endpointAddr()
  const endpoint = await bind(args)
  const conn = await endpoint.connect(addr, bytesOf(args.alpn))
  let failure
  try {
    await converse(conn, args)
  } catch (error) {
    failure = error
  }
  const ended = conn.closeReason() // set if the peer was first
  close(conn, args)
  reportClosed(ended ?? (await conn.closed()), conn)
  await endpoint.close()
  if (failure) throw failure
}

// ---- main ----------------------------------------------------------------------------------------------------------

try {
  const args = parseArgs(process.argv.slice(2))
  await (args.command === 'listen' ? listen(args) : connect(args))
  process.exit(0)
} catch (error) {
  print(process.stderr, { event: 'error', reason: reasonOf(error) })
  if (error instanceof UsageError) process.stderr.write(kUsage + '\n')
  process.exit(error instanceof UsageError ? 2 : 1)
}
