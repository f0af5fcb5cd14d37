#!/usr/bin/env python3
"""What the backbone costs for 2 to 1,000 meshes of 10 to 1,000 nodes, beside the way without it: every gateway
subscribed to every mesh's topic. Runs bench_backbone for each cell and judges them: linear in meshes, flat in nodes.
Cells over --whole meshes are simulated for one refresh, without boot and churn; what was not simulated is derived from
its neighbours and marked. --svg draws the plot (needs python3-matplotlib)."""

import concurrent.futures
import json
import subprocess
import sys
from pathlib import Path

import figures

LINEAR_WITHIN = 0.25   # Of the fitted line.
FLAT_WITHIN = 1.15     # Of the largest mesh to the smallest.
INTERIM_DELIVERIES_MAX = 1_400_000  # Of one round of digests: nodes of a mesh times subscribers of its topic.
RESTARTS = 20          # In the stretch with churn, at least.
GATEWAY_LIFE_S = 300
INK = '#6b7280'  # Readable on white and on black.
COLOURS = {10: '#3b82f6', 100: '#14a06f', 1000: '#d97706'}


def numbers(text):
    return [int(word) for word in text.split(',')]


def command(options, meshes, nodes):
    """The program's call for one cell."""
    whole = meshes <= options.whole
    subscribers = nodes + 3 * (meshes - 1)
    churn = max(120, RESTARTS * GATEWAY_LIFE_S // meshes) if whole else 0
    return [str(options.bin_dir / 'bench_backbone'), '--json', '--meshes', str(meshes), '--nodes', str(nodes),
            '--refreshes', str(options.refreshes if whole else 1), '--boot', str(int(whole)),
            '--churn-seconds', str(churn), '--digest-refreshes', '2' if nodes >= 1000 else str(options.refreshes),
            '--interim', str(int(nodes * subscribers <= INTERIM_DELIVERIES_MAX))]


def run(options, meshes, nodes):
    done = subprocess.run(command(options, meshes, nodes), check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'backbone.py: {meshes} meshes of {nodes} nodes: {done.stderr.strip() or done.stdout.strip()}')
    return json.loads(done.stdout)


def measure(options):
    """{(meshes, nodes): figures} of the cells that --from does not have."""
    cells = {}
    for path in options.reuse:
        for line in path.read_text(encoding='utf-8').splitlines():
            cell = json.loads(line)
            cells.setdefault((cell['meshes'], cell['nodes']), {}).update(cell)
    missing = [(m, n) for m in options.meshes for n in options.nodes if (m, n) not in cells and not options.only_from]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for key, cell in zip(missing, pool.map(lambda key: run(options, *key), missing)):
            cells[key] = cell
            if options.save:
                with options.save.open('a', encoding='utf-8') as out:
                    out.write(json.dumps(cell) + '\n')
    return cells


def simulated(options, cells, nodes):
    """(meshes, bytes a second and gateway) of the cells with so many nodes a mesh."""
    return [(m, cells[m, nodes]['steady_gateway']) for m in options.meshes
            if (m, nodes) in cells and 'steady_gateway' not in cells[m, nodes]['derived']]


def derive(options, cells):
    """Fills what was not simulated, and names it in 'derived'."""
    for meshes in options.meshes:
        for nodes in options.nodes:
            cell = cells.setdefault((meshes, nodes), {'meshes': meshes, 'nodes': nodes})
            cell['derived'] = [name for name in ('steady_gateway', 'interim_gateway') if name not in cell]
    for (meshes, nodes), cell in cells.items():
        if 'steady_gateway' in cell['derived']:  # The same number of meshes, another size.
            near = [n for n in options.nodes if 'steady_gateway' not in cells[meshes, n]['derived']]
            if near:
                cell['steady_gateway'] = cells[meshes, min(near, key=lambda n: abs(n - nodes))]['steady_gateway']
            elif len(points := simulated(options, cells, nodes)) > 2:
                intercept, slope, _ = fit(points)
                cell['steady_gateway'] = intercept + slope * meshes
            elif other := [n for n in options.nodes if 'steady_gateway' in cells[meshes, n]]:
                cell['steady_gateway'] = cells[meshes, max(other)]['steady_gateway']
        if 'interim_gateway' in cell['derived']:  # Each other mesh costs a gateway the same, whatever their number.
            near = [m for m in options.meshes if 'interim_gateway' not in cells[m, nodes]['derived']]
            if near:
                other = max(near)
                cell['interim_gateway'] = cells[other, nodes]['interim_gateway'] * (meshes - 1) / (other - 1)
    for (meshes, nodes), cell in cells.items():
        if 'steady_gateway' in cell and 'interim_gateway' in cell:
            for way in ('steady', 'interim'):
                cell[f'{way}_node'] = cell[f'{way}_gateway'] * 3 / nodes
                cell[f'{way}_mesh'] = cell[f'{way}_gateway'] * 3
            cell['ratio'] = cell['interim_gateway'] / cell['steady_gateway']
    return {key: cell for key, cell in cells.items() if 'ratio' in cell}


def fit(points):
    """Intercept and slope of the line with the least sum of squared relative deviations, and the largest of those."""
    weights = [(x, y, 1 / (y * y)) for x, y in points]
    total = sum(w for _, _, w in weights)
    mean_x = sum(w * x for x, _, w in weights) / total
    mean_y = sum(w * y for _, y, w in weights) / total
    spread = sum(w * (x - mean_x) ** 2 for x, _, w in weights)
    slope = sum(w * (x - mean_x) * (y - mean_y) for x, y, w in weights) / spread
    intercept = mean_y - slope * mean_x
    return intercept, slope, max(abs(intercept + slope * x - y) / y for x, y in points)


def text(value, mark=''):
    if value is None:
        return '–'
    return (f'{value:,.0f}' if value >= 100 else f'{value:.3g}') + mark


def row(cell):
    marks = {way: '*' if f'{way}_gateway' in cell['derived'] else '' for way in ('steady', 'interim')}
    values = [text(cell['meshes']), text(cell['nodes'])]
    for unit in ('node', 'gateway', 'mesh'):
        values.append(text(cell[f'steady_{unit}'], marks['steady']))
    values.append(text(cell.get('churn_gateway')))
    values.append(text(cell['boot_gateway'] / 1000 if 'boot_gateway' in cell else None))
    for unit in ('node', 'gateway'):
        values.append(text(cell[f'interim_{unit}'], marks['interim']))
    values.append(text(cell['ratio'], '*' if any(marks.values()) else ''))
    return values


HEAD = ['meshes', 'nodes a mesh', 'a node', 'a gateway', 'a mesh', 'a gateway, restarts', 'boot, kB a gateway',
        'without it: a node', 'a gateway', 'ratio']


def table(cells):
    lines = [HEAD, ['---:'] * len(HEAD)] + [row(cells[key]) for key in sorted(cells)]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def judge(report, options, cells):
    for nodes in options.nodes:
        points = simulated(options, cells, nodes)
        if len(points) < 3:
            continue
        intercept, slope, off = fit(points)
        report.add(f'n{nodes}_gateway_base', intercept, 'B/s')
        report.add(f'n{nodes}_gateway_for_each_mesh', slope, 'B/s')
        report.at_most(f'n{nodes}_off_the_line', off, LINEAR_WITHIN, 'of the line')
    for meshes in options.meshes:
        known = sorted(n for n in options.nodes
                       if (meshes, n) in cells and 'steady_gateway' not in cells[meshes, n]['derived'])
        if len(known) > 1:
            report.at_most(f'm{meshes}_largest_to_smallest_mesh',
                           cells[meshes, known[-1]]['steady_gateway'] / cells[meshes, known[0]]['steady_gateway'],
                           FLAT_WITHIN)


def draw(path, options, cells):
    import matplotlib  # Only here: the figures need nothing but the standard library.
    matplotlib.use('svg')
    from matplotlib import pyplot
    matplotlib.rcParams.update({'svg.fonttype': 'none', 'font.size': 10, 'svg.hashsalt': 'backbone',
                                'text.color': INK, 'axes.labelcolor': INK, 'axes.edgecolor': INK, 'xtick.color': INK,
                                'ytick.color': INK, 'font.family': 'sans-serif'})
    figure, axes = pyplot.subplots(figsize=(7, 4.4))
    for nodes in options.nodes:
        for way, style, label in (('steady', 'o-', 'backbone'), ('interim', 's--', 'every topic')):
            points = [(m, cells[m, nodes][f'{way}_gateway']) for m in options.meshes if (m, nodes) in cells]
            axes.plot(*zip(*points), style, color=COLOURS.get(nodes, INK), markersize=4, linewidth=1.4,
                      label=f'{label}, {nodes:,} nodes a mesh')
    axes.set(xscale='log', yscale='log', xlabel='meshes', ylabel='bytes a second and gateway')
    axes.minorticks_off()
    axes.grid(True, color=INK, alpha=0.25, linewidth=0.5)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc='lower center', bbox_to_anchor=(0.5, 1))
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    figure.tight_layout()
    figure.savefig(path, metadata={'Date': None, 'Creator': None}, transparent=True)


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--meshes', type=numbers, default=[2, 10, 100, 1000], help='numbers of meshes')
    parser.add_argument('--nodes', type=numbers, default=[10, 100, 1000], help='numbers of nodes a mesh')
    parser.add_argument('--refreshes', type=int, default=10, help='how long each is measured (default 10)')
    parser.add_argument('--whole', type=int, default=100, metavar='MESHES',
                        help='up to so many with boot and churn, too (default 100)')
    parser.add_argument('--jobs', type=int, default=1, help='cells at a time; 1,000 meshes take 12 GB (default 1)')
    parser.add_argument('--from', dest='reuse', type=Path, nargs='+', default=[], metavar='FILE',
                        help='cells that were measured before, one object a line')
    parser.add_argument('--only-from', action='store_true', help='measure nothing')
    parser.add_argument('--save', type=Path, metavar='FILE', help='append the cells that are measured')
    parser.add_argument('--svg', type=Path, metavar='FILE', help='draw the plot')
    options = parser.parse_args()
    report = figures.Figures('backbone', options)
    cells = derive(options, measure(options))
    if not options.json:
        print(table(cells))
    for (meshes, nodes), cell in sorted(cells.items()):
        report.values[f'{meshes}x{nodes}'] = cell
    judge(report, options, cells)
    if options.svg:
        draw(options.svg, options, cells)
    sys.exit(report.finish())


if __name__ == '__main__':
    main()
