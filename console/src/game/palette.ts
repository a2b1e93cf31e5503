/** The colours of team 0 and team 1. They differ in lightness too, and ink has a pattern of its own. */
export const ink = ['#ff5c5c', '#12cdb2'] as const;
export const inkLight = ['#ffb3a8', '#a9fff0'] as const;
export const inkDark = ['#a82432', '#087365'] as const;
export const gold = '#ffd84d';
