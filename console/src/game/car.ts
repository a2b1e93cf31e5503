import { ink, inkDark, inkLight } from './palette';

/** hull draws a car without its wheels around the origin, heading to the right. */
export function hull(g: CanvasRenderingContext2D, team: number): void {
  g.fillStyle = ink[team]!;
  g.strokeStyle = '#120b22';
  g.lineWidth = 0.09;
  outline(g);
  g.fill();
  g.stroke();
  g.fillStyle = inkDark[team]!;
  g.beginPath();
  g.roundRect(-0.46, -0.27, 0.24, 0.54, 0.1);
  g.fill();
  g.fillStyle = '#fff';
  g.beginPath();
  g.roundRect(0.08, -0.27, 0.2, 0.54, 0.1);
  g.fill();
  g.fillStyle = inkLight[team]!;
  g.beginPath();
  g.arc(-0.08, 0, 0.14, 0, Math.PI * 2);
  g.fill();
}

/** outline is the path around a hull. */
export function outline(g: CanvasRenderingContext2D): void {
  g.beginPath();
  g.roundRect(-0.52, -0.38, 1.06, 0.76, 0.3);
}
