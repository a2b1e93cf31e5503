import type { Paint, Welcome } from './protocol';
import { ink, inkLight } from './palette';

const px = 32; // of the picture, per tile

/** Floor is the ground and its ink as a picture that only changes where tiles change. */
export class Floor {
  readonly ink: HTMLCanvasElement;
  readonly ground: HTMLCanvasElement;
  readonly walls: HTMLCanvasElement;
  #g: CanvasRenderingContext2D;
  #owner = new Map<number, number>(); // team by tile

  constructor(private readonly w: Welcome) {
    this.ink = this.#sheet();
    this.#g = this.ink.getContext('2d')!;
    this.ground = this.#sheet();
    this.walls = this.#sheet();
    this.#drawGround(this.ground.getContext('2d')!);
    this.#drawWalls(this.walls.getContext('2d')!);
    for (let i = 0; i < w.tiles.length; i++) if (w.tiles[i] !== '0') this.paint({ tile: i, team: Number(w.tiles[i]) - 1 });
  }

  isWall(x: number, y: number): boolean {
    return x < 0 || y < 0 || x >= this.w.width || y >= this.w.height || this.w.walls[y * this.w.width + x] === '1';
  }

  /** paintOnce covers a tile unless it has that colour. */
  paintOnce(p: Paint): void { if (this.#owner.get(p.tile) !== p.team) this.paint(p); }

  /** paint covers one tile. The edges wobble, the same way each time for the same tile. */
  paint(p: Paint): void {
    const x = p.tile % this.w.width;
    const y = Math.floor(p.tile / this.w.width);
    const r = noise(p.tile);
    this.#owner.set(p.tile, p.team);
    const g = this.#g;
    g.fillStyle = ink[p.team] ?? '#fff';
    g.beginPath();
    g.roundRect((x - 0.15) * px, (y - 0.15) * px, 1.3 * px, 1.3 * px, (0.3 + r(0) * 0.14) * px);
    g.fill();
    for (let i = 1; i <= 2; i++) {
      g.beginPath();
      g.arc((x + 0.5 + (r(i) - 0.5) * 1.1) * px, (y + 0.5 + (r(i + 3) - 0.5) * 1.1) * px, (0.1 + r(i + 6) * 0.2) * px, 0, Math.PI * 2);
      g.fill();
    }
    g.fillStyle = inkLight[p.team] ?? '#fff';
    g.globalAlpha = 0.5;
    g.beginPath();
    if (p.team === 0) g.arc((x + 0.3 + r(9) * 0.4) * px, (y + 0.3 + r(10) * 0.4) * px, (0.05 + r(11) * 0.07) * px, 0, Math.PI * 2);
    else g.roundRect((x + 0.25 + r(9) * 0.3) * px, (y + 0.3 + r(10) * 0.4) * px, (0.16 + r(11) * 0.14) * px, 0.07 * px, 0.035 * px);
    g.fill();
    g.globalAlpha = 1;
  }

  #sheet(): HTMLCanvasElement {
    const c = document.createElement('canvas');
    c.width = this.w.width * px;
    c.height = (this.w.height + 1) * px; // a row more for the front of walls
    return c;
  }

  #drawGround(g: CanvasRenderingContext2D): void {
    g.beginPath();
    g.roundRect(0, 0, this.w.width * px, this.w.height * px, px * 0.5);
    g.clip();
    for (let y = 0; y < this.w.height; y++) {
      for (let x = 0; x < this.w.width; x++) {
        g.fillStyle = (x + y) % 2 ? '#2b2342' : '#282040';
        g.fillRect(x * px, y * px, px, px);
      }
    }
    g.strokeStyle = 'rgba(255,255,255,.07)';
    g.lineWidth = 3;
    g.setLineDash([10, 12]);
    g.beginPath();
    g.moveTo((this.w.width / 2) * px, 0);
    g.lineTo((this.w.width / 2) * px, this.w.height * px);
    g.stroke();
    g.beginPath();
    g.arc((this.w.width / 2) * px, (this.w.height / 2) * px, 2.4 * px, 0, Math.PI * 2);
    g.stroke();
  }

  #drawWalls(g: CanvasRenderingContext2D): void {
    const each = (draw: (x: number, y: number) => void) => {
      for (let y = 0; y < this.w.height; y++) for (let x = 0; x < this.w.width; x++) if (this.w.walls[y * this.w.width + x] === '1') draw(x * px, y * px);
    };
    const lift = px * 0.34;
    g.fillStyle = 'rgba(0,0,0,.35)';
    each((x, y) => g.fillRect(x + 6, y + 6, px, px));
    g.fillStyle = '#4a3f78';
    each((x, y) => g.fillRect(x, y, px, px));
    g.fillStyle = '#7163ad';
    each((x, y) => g.fillRect(x, y - lift, px, px));
    g.fillStyle = 'rgba(255,255,255,.14)';
    each((x, y) => { if (!this.isWall(x / px, y / px - 1)) g.fillRect(x, y - lift, px, 4); });
  }

  static readonly px = px;
}

/** noise gives numbers from 0 to 1 that depend on the seed and an index only. */
function noise(seed: number): (i: number) => number {
  return (i) => {
    let h = Math.imul(seed + 1, 374761393) + Math.imul(i + 1, 668265263);
    h = Math.imul(h ^ (h >>> 13), 1274126177);
    return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
  };
}
