import { describe, expect, it } from 'vitest';
import { type AuthorizationDetailsType, detailProblem, isWithin } from './authorization-details.ts';

const API = 'https://api.example';
const UPLOAD: AuthorizationDetailsType = {
  type: 'upload',
  description: 'upload files',
  scopes: [],
  fields: [
    { name: 'folder', label: 'Folder', kind: 'string', required: true },
    { name: 'actions', label: 'Actions', kind: 'list', required: false, values: ['create', 'replace'] },
    { name: 'most', label: 'At most', kind: 'number', required: false },
    { name: 'public', label: 'For everybody', kind: 'boolean', required: false },
  ],
};
const problemOf = (detail: object) => detailProblem({ type: 'upload', ...detail }, UPLOAD, API);

describe('a detail', () => {
  it('may say what its type has', () => {
    expect(problemOf({ folder: 'holiday' })).toBeUndefined();
    expect(problemOf({ folder: 'x', actions: ['create'], most: 3, public: false, locations: [API] })).toBeUndefined();
  });

  it.each([
    [{}, /folder is missing/],
    [{ folder: 'x', colour: 'red' }, /has no field colour; it has folder, actions, most, public/],
    [{ folder: 'x', '"evil\n': 1 }, /has no field \?evil\?/],
    [{ folder: 7 }, /folder is not a string/],
    [{ folder: '' }, /folder is not a string/],
    [{ folder: 'x'.repeat(201) }, /folder is not a string/],
    [{ folder: 'harmless\u202Egnp.exe' }, /folder is not a string/],
    [{ folder: null }, /folder is not a string/],
    [{ folder: 'x', actions: [] }, /actions is not a list/],
    [{ folder: 'x', actions: 'create' }, /actions is not a list/],
    [{ folder: 'x', actions: ['delete'] }, /actions is none of create, replace/],
    [{ folder: 'x', most: '3' }, /most is not a number/],
    [{ folder: 'x', public: 'yes' }, /public is not a boolean/],
    [{ folder: 'x', locations: ['https://other.example'] }, /locations names another place/],
    [JSON.parse('{"folder":"x","__proto__":{"most":1}}'), /has no field __proto__/],
    [{ folder: 'x', constructor: 'x' }, /has no field constructor/],
  ])('%j is refused', (detail, problem) => {
    expect(problemOf(detail)).toMatch(problem);
  });
});

describe('a detail within another', () => {
  const granted = { type: 'upload', folder: 'holiday', actions: ['create', 'replace'], most: 3 };

  it('says the same, or less of a list', () => {
    expect(isWithin(granted, granted)).toBe(true);
    expect(isWithin({ ...granted, actions: ['replace'] }, granted)).toBe(true);
  });

  it.each([
    { folder: 'work' },
    { most: 4 },
    { most: 2 },
    { most: undefined },
    { actions: ['create', 'delete'] },
    { public: true },
  ])('does not say %j', (more) => {
    expect(isWithin({ ...granted, ...more }, granted)).toBe(false);
  });
});
