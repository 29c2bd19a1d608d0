"""Contrast medium on its way through the veins: flow in a network of resistances, then delays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Tube
from venoseg.volume import FloatArray

# Blood reaches the picture from each leg; the heart lies at pressure 0, and so, behind some
# resistance of their own, do the veins that leave over the chest.
LEG_FLOW_MM3_S = 12000.0
_VISCOSITY = 1.0
_BEYOND_CHEST_MM_3 = 60.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A piece of a vessel between two nodes of the network.

    ``vessel`` is the index of the tube in the list of `network_tubes`; positions are arc lengths on
    it, the first at ``start``, the second at ``stop``.
    """

    vessel: int
    start: str
    stop: str
    start_mm: float
    stop_mm: float
    resistance: float
    volume_mm3: float


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The solved network.

    Attributes
    ----------
    edges
        All open pieces.
    flow_mm3_s
        (n,) from ``start`` to ``stop`` of each edge.
    arrival_s
        Node to the time at which blood that entered at time 0 first comes there; infinite where it
        never comes.
    """

    edges: tuple[Edge, ...]
    flow_mm3_s: FloatArray
    arrival_s: dict[str, float]

    def arrival(self, vessel: int, positions_mm: FloatArray) -> FloatArray:
        """Return (n,) arrival times at arc lengths of one tube; infinite without flow."""
        times = np.full(len(positions_mm), np.inf)
        for edge, flow in zip(self.edges, self.flow_mm3_s, strict=True):
            if edge.vessel != vessel or edge.start_mm == edge.stop_mm:
                continue
            low, high = sorted((edge.start_mm, edge.stop_mm))
            here = (positions_mm >= low - 1.5) & (positions_mm <= high + 1.5)
            share = (positions_mm[here] - edge.start_mm) / (edge.stop_mm - edge.start_mm)
            share = np.clip(share if flow > 0 else 1.0 - share, 0.0, 1.0)
            begun = self.arrival_s[edge.start if flow > 0 else edge.stop]
            took = edge.volume_mm3 / max(abs(flow), 1e-9)
            times[here] = np.minimum(times[here], begun + share * took)
        return times


def network_tubes(scene: Scene) -> tuple[Tube, ...]:
    """Return the veins and then the collaterals: the tubes that contrast can fill."""
    return (*scene.tubes, *(link.tube for link in scene.collaterals))


def solve_flow(scene: Scene) -> Flow:
    """Let both legs feed an iliocaval scene and find where the blood goes, and how fast.

    The scene's first three tubes are the cava and the left and right iliac axis; flow follows
    Poiseuille's law in every piece.
    """
    edges = _edges(scene)
    nodes = sorted({node for edge in edges for node in (edge.start, edge.stop)})
    index = {node: number for number, node in enumerate(nodes)}
    matrix, inflow = np.zeros((len(nodes), len(nodes))), np.zeros(len(nodes))
    for edge in edges:
        a, b, conductance = index[edge.start], index[edge.stop], 1.0 / edge.resistance
        matrix[[a, b], [a, b]] += conductance
        matrix[[a, b], [b, a]] -= conductance
    matrix[np.diag_indices(len(nodes))] += 1e-15
    for node in nodes:
        if node.endswith("_chest"):
            matrix[index[node], index[node]] += 1.0 / _BEYOND_CHEST_MM_3
    matrix[index["heart"]] = 0.0
    matrix[index["heart"], index["heart"]] = 1.0
    for leg in ("left_leg", "right_leg"):
        inflow[index[leg]] = LEG_FLOW_MM3_S
    pressure = np.asarray(np.linalg.solve(matrix, inflow), dtype=np.float64)
    drops = [(pressure[index[e.start]] - pressure[index[e.stop]]) / e.resistance for e in edges]
    flow: FloatArray = np.array(drops)
    return Flow(tuple(edges), flow, _arrivals(edges, flow, pressure, index))


def instant_flow(scene: Scene) -> Flow:
    """Return a flow that fills every vessel of a scene at once."""
    edges = tuple(
        Edge(number, "in", "out", 0.0, tube.curve.length_mm, 1.0, 0.0)
        for number, tube in enumerate(network_tubes(scene))
    )
    return Flow(edges, np.ones(len(edges)), {"in": 0.0, "out": 0.0})


def _edges(scene: Scene) -> list[Edge]:
    stops: dict[int, list[tuple[float, str]]] = {
        0: [(0.0, "heart"), (scene.tubes[0].curve.length_mm, "confluence")]
    }
    for host, side in ((1, "left"), (2, "right")):
        end = scene.tubes[host].curve.length_mm
        stops[host] = [(0.0, "confluence"), (end, f"{side}_leg")]
    for link in scene.collaterals:
        for port in (link.central, link.peripheral):
            if port.host is not None:
                stops[port.host].append((port.position_mm, port.node))
    edges: list[Edge] = []
    for host, places in stops.items():
        ordered = sorted(set(places))
        for (low, start), (high, stop) in pairwise(ordered):
            edge = _edge(scene.tubes[host], host, (start, low), (stop, high))
            if edge is not None:
                edges.append(edge)
    for number, link in enumerate(scene.collaterals, start=len(scene.tubes)):
        ends = (link.central.node, 0.0), (link.peripheral.node, link.tube.curve.length_mm)
        edge = _edge(link.tube, number, *ends)
        if edge is not None:
            edges.append(edge)
    return edges


def _edge(
    tube: Tube, vessel: int, first: tuple[str, float], second: tuple[str, float]
) -> Edge | None:
    (start, low), (stop, high) = first, second
    if start == stop or any(gap.start_mm < high and gap.stop_mm > low for gap in tube.absent):
        return None
    at = np.linspace(low, high, 200)
    area = np.pi * np.interp(at, tube.curve.positions_mm, tube.profile.first_mm)
    area *= np.interp(at, tube.curve.positions_mm, tube.profile.second_mm)
    # Two collaterals may open at the same place; the way between them is short but not nothing.
    length = max(high - low, 0.1)
    resistance = 8 * np.pi * _VISCOSITY * float((1 / area**2).mean()) * length
    return Edge(vessel, start, stop, low, high, resistance, float(area.mean()) * length)


def _arrivals(
    edges: list[Edge], flow: FloatArray, pressure: FloatArray, index: dict[str, int]
) -> dict[str, float]:
    """Walk from high to low pressure; blood moves only that way, so each node is final."""
    arrival = dict.fromkeys(index, np.inf)
    arrival["left_leg"] = arrival["right_leg"] = 0.0
    for node in sorted(index, key=lambda name: -pressure[index[name]]):
        for edge, moved in zip(edges, flow, strict=True):
            begin, end = (edge.start, edge.stop) if moved > 0 else (edge.stop, edge.start)
            if begin == node and abs(moved) > 1e-6:
                took = arrival[node] + edge.volume_mm3 / abs(float(moved))
                arrival[end] = min(arrival[end], took)
    return arrival


def concentration(since_s: FloatArray, delay_s: FloatArray, injected_s: float) -> FloatArray:
    """Return the share of full contrast at times after injection began.

    ``since_s`` broadcasts against ``delay_s``, the arrival times. The bolus rises within 0.4 s
    where it is injected and spreads as it travels.
    """
    spread = 0.4 + 0.12 * np.minimum(delay_s, 30.0)
    rise = 1 / (1 + np.exp(-(since_s - delay_s - spread) / (0.35 * spread)))
    fall = 1 / (1 + np.exp(-(since_s - delay_s - injected_s - 2 * spread) / (0.8 * spread)))
    share: FloatArray = np.where(np.isfinite(delay_s), rise - fall, 0.0)
    return np.clip(share, 0.0, 1.0)
