import { useRoute, type Route } from './core/route';
import { Shell } from './ui/Shell';
import { Empty } from './ui/Empty';
import { Alerts } from './pages/Alerts';
import { Cache } from './pages/Cache';
import { Charts } from './pages/Charts';
import { Messages } from './pages/Messages';
import { NodeDetail } from './pages/NodeDetail';
import { Nodes } from './pages/Nodes';
import { Services } from './pages/Services';
import { Timeline } from './pages/Timeline';
import { Topology } from './pages/Topology';
import { Boot, TracePage, Traces } from './pages/Traces';

function View({ route: { page, rest, query } }: { route: Route }): React.JSX.Element {
  switch (page) {
    case 'topology':
      return <Topology query={query} />;
    case 'nodes':
      return rest === '' ? <Nodes query={query} /> : <NodeDetail key={rest} id={rest} />;
    case 'cache':
      return <Cache query={query} />;
    case 'timeline':
      return <Timeline query={query} />;
    case 'messages':
      return <Messages query={query} />;
    case 'traces':
      return rest === '' ? <Traces query={query} /> : <TracePage key={rest} id={rest} query={query} />;
    case 'boot':
      return <Boot query={query} />;
    case 'services':
      return <Services query={query} />;
    case 'charts':
      return <Charts query={query} />;
    case 'alerts':
      return <Alerts query={query} />;
    case 'missing':
      return (
        <section className="page" aria-labelledby="title">
          <h1 id="title">Not found</h1>
          <Empty>There is no such page. All pages are on the left, behind “Pages” on a small screen.</Empty>
        </section>
      );
  }
}

export function App(): React.JSX.Element {
  const route = useRoute();
  return (
    <Shell route={route}>
      <View route={route} />
    </Shell>
  );
}
