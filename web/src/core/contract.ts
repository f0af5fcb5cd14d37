// What the console's server says, as types. The source is docs/design/0003-console.md; of traces, metrics and logs
// docs/collector.md. Members that a later server adds are ignored; enumerations may hold values that these pages do not
// know, and are shown as they are.

export type NodeState = 'member' | 'suspected' | 'dead' | 'left' | 'unknown';
export type ProcessState = 'starting' | 'ready' | 'stopping' | 'wedged' | 'ended';
export type Severity = 'info' | 'warning' | 'critical' | 'unknown';

export interface NodeRow {
  id: string;
  name: string;
  mesh: string;
  type: string;
  state: NodeState;
  process?: ProcessState | null;
  addrs: string[];
  age_ms: number;
  known_via: string;
  source: string;
  started_unix_ms: number;
  cpu_millicores: number;
  cpu_budget_millicores: number;
  memory_kib: number;
  memory_budget_kib: number;
  messages_sent: number;
  messages_received: number;
  peers: number;
  suspected_by: string[];
  here: boolean;
}

export interface LinkRow {
  a: string;
  b: string;
  mesh: string;
  said_by: 'both' | 'a' | 'b' | 'none'; // none: of deliveries
  eager: 'both' | 'a' | 'b' | 'neither' | 'unknown';
  kind: 'overlay' | 'delivery';
  rate?: number;
}

export interface LinkKey {
  a: string;
  b: string;
  kind?: LinkRow['kind'];
}

export interface MeshRow {
  name: string;
  members?: number;
  suspected?: number;
  viewers?: number; // Directories of it that are known.
  state?: string; // whole, split or unknown
  since_unix_ms?: number;
}

export interface SourceRow {
  name: string;
  state: string;
  since_unix_ms: number;
  text: string;
}

export interface AlertRow {
  id: string;
  severity: Severity;
  subject: string;
  text: string;
  since_unix_ms: number;
  kind: string;
}

export interface SupervisorRow {
  present: boolean;
  can_spawn: boolean;
  why_not?: string | null;
}

export interface World {
  version: number;
  now_unix_ms: number;
  fabric: string;
  self: string | null;
  supervisor: SupervisorRow;
  read_only: boolean;
  sources: SourceRow[];
  meshes: MeshRow[];
  nodes: NodeRow[];
  links: LinkRow[];
  alerts: AlertRow[];
  jaeger?: string | null; // Base URL of a Jaeger that has the same traces.
}

export interface Delta {
  version: number;
  nodes?: NodeRow[];
  nodes_gone?: string[];
  links?: LinkRow[];
  links_gone?: LinkKey[];
  meshes?: MeshRow[];
  meshes_gone?: string[];
  alerts?: AlertRow[];
  alerts_gone?: string[];
  sources?: SourceRow[];
  sources_gone?: string[];
  supervisor?: SupervisorRow;
}

// Of the past less is kept.
export type PastNode = Pick<NodeRow, 'id' | 'name' | 'mesh' | 'type' | 'state'> & Partial<NodeRow>;

export interface PastWorld {
  unix_ms?: number;
  nodes: PastNode[];
  links: LinkRow[];
}

export interface TimelineEvent {
  seq: number;
  unix_ms: number;
  kind: string;
  node: string;
  mesh: string;
  text: string;
  who: string[];
}

export interface MessageSample {
  seq?: number;
  unix_ms: number;
  from: string;
  to: string;
  name: string;
  bytes: number | null;
  path: string | null;
  latency_us: number;
  outcome: string;
  trace_id: string;
}

export interface ServiceCall {
  from: string;
  to: string;
  count: number;
  errors: number;
  p50_us: number;
  p99_us: number;
}

export interface Neighbor {
  id: string;
  name: string;
  remote: string;
  rtt_us: number;
  silence_ms: number;
  eager: boolean;
  origin: string;
}

export interface NodeStatus {
  pid?: number;
  data_dir?: string;
  uptime_ms?: number;
  neighbors?: Neighbor[];
  figures?: Record<string, number>;
}

export interface LedgerKind {
  kind: string;
  born: number;
  ended: number;
  alive: number;
  peak: number;
  oldest_ms: number | null;
  limit: number | null;
  oldest_limit_ms: number | null;
  law: string;
  state: string;
}

export interface WhyAddress {
  addr: string;
  source: string;
  worked_ago_ms?: number;
  tried_ago_ms?: number;
  fate?: string;
}

export interface WhyConnection {
  for: string;
  state: string;
  origin: string;
  since_ms: number;
  remote?: string;
  rtt_us?: number;
  packets_lost?: number;
}

export interface NodeDetail extends NodeRow {
  status?: NodeStatus | null;
  why?: { verdict?: string; by?: string; connections?: WhyConnection[]; addresses?: WhyAddress[] } | null;
  ledger?: { kinds: LedgerKind[] } | null;
}

export interface TraceSummary {
  trace_id: string;
  name: string;
  has_root: boolean;
  service: string;
  mesh: string;
  node: string;
  start_unix_us: number;
  duration_ns: number;
  spans: number;
  errors: number;
  resources: number;
}

export interface Span {
  span_id: string;
  parent_span_id: string;
  name: string;
  kind: string;
  service: string;
  mesh: string;
  node: string;
  instance: string;
  offset_ns: number;
  duration_ns: number;
  status: string;
  status_text: string;
  attributes: Record<string, unknown> | null;
  links: { trace_id: string; span_id: string }[];
}

export interface LogRow {
  unix_us: number;
  severity: number;
  severity_text: string;
  body: string;
  trace_id: string;
  span_id: string;
  service: string;
  mesh: string;
  node: string;
}

export interface Trace {
  trace_id: string;
  start_unix_us: number;
  duration_ns: number;
  errors: number;
  spans: Span[];
  logs: LogRow[];
}

export interface MetricSummary {
  name: string;
  unit: string;
  kind: string;
  monotonic: boolean;
  description: string;
  series: number;
  resources: number;
  last_unix_us: number;
}

export interface MetricSeries {
  service: string;
  mesh: string;
  node: string;
  instance: string;
  attributes: Record<string, unknown> | null;
  value: number;
  history: [number, number, number][];
}

export interface Metric {
  name: string;
  unit: string;
  kind: string;
  monotonic: boolean;
  description: string;
  series: MetricSeries[];
}
