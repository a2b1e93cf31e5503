/** The colours of team 0 and team 1. They differ in lightness too, and ink has a pattern of its own. */
export const ink = ['#ff3f81', '#16d1b4'] as const;
export const inkLight = ['#ff9dc0', '#a5fff0'] as const;
export const inkDark = ['#a81450', '#0b7a6b'] as const;
export const gold = '#ffd84d';
