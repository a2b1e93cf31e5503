import type { Wish } from './connection';

const keys: Record<string, [number, number]> = {
  ArrowUp: [0, -1], KeyW: [0, -1], ArrowDown: [0, 1], KeyS: [0, 1],
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
};
const dashKeys = new Set(['Space', 'ShiftLeft', 'ShiftRight', 'Enter']);
const stickReach = 56; // px from the middle to full speed

/** Input gathers keyboard and touch into one wish. */
export class Input {
  #down = new Set<string>();
  #stick: { id: number; x: number; y: number; dx: number; dy: number } | null = null;
  #dashing = false; // a touch holds the dash
  #pressed = false; // a dash key went down since the last wish, however short
  readonly touch = window.matchMedia('(any-pointer: coarse)').matches;

  constructor(private readonly target: HTMLElement) {
    window.addEventListener('keydown', this.#keydown);
    window.addEventListener('keyup', this.#keyup);
    window.addEventListener('blur', this.#blur);
    target.addEventListener('pointerdown', this.#pointerdown);
    target.addEventListener('pointermove', this.#pointermove);
    target.addEventListener('pointerup', this.#pointerup);
    target.addEventListener('pointercancel', this.#pointerup);
  }

  close(): void {
    window.removeEventListener('keydown', this.#keydown);
    window.removeEventListener('keyup', this.#keyup);
    window.removeEventListener('blur', this.#blur);
    this.target.removeEventListener('pointerdown', this.#pointerdown);
    this.target.removeEventListener('pointermove', this.#pointermove);
    this.target.removeEventListener('pointerup', this.#pointerup);
    this.target.removeEventListener('pointercancel', this.#pointerup);
  }

  wish(): Wish {
    let x = 0;
    let y = 0;
    for (const code of this.#down) {
      x += keys[code]?.[0] ?? 0;
      y += keys[code]?.[1] ?? 0;
    }
    if (this.#stick) {
      x = this.#stick.dx / stickReach;
      y = this.#stick.dy / stickReach;
    }
    const length = Math.max(1, Math.hypot(x, y));
    const dash = this.#dashing || this.#pressed || [...this.#down].some((k) => dashKeys.has(k));
    this.#pressed = false;
    return { x: Math.round((x / length) * 127), y: Math.round((y / length) * 127), dash };
  }

  /** stick is where the touch stick is to be drawn, in px of the page. */
  stick(): { x: number; y: number; dx: number; dy: number } | null { return this.#stick; }

  #keydown = (e: KeyboardEvent): void => {
    if ((e.target as HTMLElement | null)?.closest?.('button, input, select, a') && dashKeys.has(e.code)) return;
    if (!(e.code in keys) && !dashKeys.has(e.code)) return;
    e.preventDefault();
    if (dashKeys.has(e.code) && !e.repeat) this.#pressed = true;
    this.#down.add(e.code);
  };

  #keyup = (e: KeyboardEvent): void => { this.#down.delete(e.code); };

  #blur = (): void => { this.#down.clear(); };

  #pointerdown = (e: PointerEvent): void => {
    if (e.pointerType === 'mouse' || (e.target as HTMLElement | null)?.closest?.('button')) return;
    e.preventDefault();
    this.target.setPointerCapture(e.pointerId);
    if (e.clientX < window.innerWidth * 0.55 && !this.#stick) this.#stick = { id: e.pointerId, x: e.clientX, y: e.clientY, dx: 0, dy: 0 };
    else this.#dashing = this.#pressed = true;
  };

  #pointermove = (e: PointerEvent): void => {
    if (this.#stick?.id !== e.pointerId) return;
    const dx = e.clientX - this.#stick.x;
    const dy = e.clientY - this.#stick.y;
    const over = Math.max(1, Math.hypot(dx, dy) / stickReach);
    this.#stick.dx = dx / over;
    this.#stick.dy = dy / over;
  };

  #pointerup = (e: PointerEvent): void => {
    if (this.#stick?.id === e.pointerId) this.#stick = null;
    else this.#dashing = false;
  };
}
