// What is said of a node beside the pointer.

import { age, kib, millicores, perSecond } from '../core/format';
import type { HeldNode, WorldStore } from '../live/store';
import { TypeMark } from '../ui/marks';
import { HEALTH_WORDS, healthOf } from './looks';

export function NodeTip({ node, store }: { node: HeldNode; store: WorldStore }): React.JSX.Element {
  const rate = store.history.rate(node.id);
  const accusers = node.suspected_by.map((id) => store.nodes.get(id)?.name ?? id.slice(0, 10));
  return (
    <dl className="tip-list">
      <dt>
        <TypeMark type={node.type} />
      </dt>
      <dd>
        <b>{node.name}</b>
      </dd>
      <dt>state</dt>
      <dd>
        {HEALTH_WORDS[healthOf(node)]}
        {accusers.length > 0 ? `, by ${accusers.slice(0, 3).join(', ')}` : ''}
      </dd>
      <dt>CPU</dt>
      <dd>
        {millicores(node.cpu_millicores)}
        {node.cpu_budget_millicores > 0 ? ` of ${millicores(node.cpu_budget_millicores)}` : ''}
      </dd>
      <dt>memory</dt>
      <dd>
        {kib(node.memory_kib)}
        {node.memory_budget_kib > 0 ? ` of ${kib(node.memory_budget_kib)}` : ''}
      </dd>
      <dt>traffic</dt>
      <dd>{rate === null ? 'not known yet' : `${perSecond(rate)} gossip messages`}</dd>
      <dt>peers</dt>
      <dd>{Number.isNaN(node.peers) ? '–' : node.peers}</dd>
      <dt>heard</dt>
      <dd>
        {age(store.ageOf(node))} ago, {node.known_via}
      </dd>
    </dl>
  );
}
