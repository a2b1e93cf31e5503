import { hull } from './car';
import { Floor } from './floor';

interface Mover { x: number; y: number; heading: number; team: number; turn: number }

const width = 26;
const height = 18;

/** attract plays a quiet game with itself behind the lobby. It returns how to stop it. */
export function attract(canvas: HTMLCanvasElement): () => void {
  const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const floor = new Floor({
    type: 'welcome', you: -1, tickRate: 30, roundSeconds: 0, width, height, teams: [], cars: [],
    walls: '0'.repeat(width * height), tiles: '0'.repeat(width * height),
  });
  const movers: Mover[] = [0, 1, 0, 1].map((team, i) => ({ x: team ? width - 3 : 3, y: 3 + i * 4, heading: team ? Math.PI : 0, team, turn: 0 }));
  const g = canvas.getContext('2d')!;
  for (let i = 0; i < 340; i++) for (const m of movers) drive(m, 0.06, floor);
  let request = 0;
  let last = 0;
  const draw = (now: number) => {
    const dt = Math.min(0.05, (now - (last || now)) / 1000);
    last = now;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const zoom = Math.max(canvas.width / width, canvas.height / height);
    g.translate((canvas.width - width * zoom) / 2, (canvas.height - height * zoom) / 2);
    g.scale(zoom, zoom);
    g.drawImage(floor.ground, 0, 0, width, height + 1);
    g.drawImage(floor.ink, 0, 0, width, height + 1);
    for (const m of movers) {
      drive(m, dt, floor);
      car(g, m);
    }
    if (!still) request = requestAnimationFrame(draw);
  };
  request = requestAnimationFrame(draw);
  return () => cancelAnimationFrame(request);
}

function drive(m: Mover, dt: number, floor: Floor): void {
  m.turn += (Math.random() - 0.5) * 14 * dt;
  m.turn *= 1 - dt;
  const toMiddle = Math.atan2(height / 2 - m.y, width / 2 - m.x) - m.heading;
  const far = m.x < 2.5 || m.y < 2.5 || m.x > width - 2.5 || m.y > height - 2.5;
  m.heading += (far ? 5 * Math.sin(toMiddle) : m.turn) * dt;
  m.x = Math.max(0.6, Math.min(width - 0.6, m.x + Math.cos(m.heading) * 5 * dt));
  m.y = Math.max(0.6, Math.min(height - 0.6, m.y + Math.sin(m.heading) * 5 * dt));
  for (const [ox, oy] of [[0, 0], [-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]] as const) {
    const x = Math.floor(m.x + ox);
    const y = Math.floor(m.y + oy);
    if (!floor.isWall(x, y)) floor.paintOnce({ tile: y * width + x, team: m.team });
  }
}

function car(g: CanvasRenderingContext2D, m: Mover): void {
  g.save();
  g.translate(m.x, m.y);
  g.rotate(m.heading);
  hull(g, m.team);
  g.restore();
}
