import { expect, it } from 'vitest';
import { redirectUriProblem } from './redirect-uri.ts';

it.each([
  'https://app.example.com/callback',
  'https://app.example.com/callback?tenant=1',
  'http://localhost:3002/callback',
  'http://127.0.0.1:3002/',
  'http://[::1]:3002/callback',
])('C5: lets a web client register %s', (uri) => {
  expect(redirectUriProblem(uri, 'web')).toBeUndefined();
});

it.each([
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  'data:text/html,hello',
  'vbscript:x',
  'blob:https://app.example.com/1',
  'file:///etc/passwd',
  '/callback',
  'callback',
  '',
  '//app.example.com/callback',
  'https:app.example.com',
  'https:///callback',
  'https://app.example.com/callback#fragment',
  'https://app.example.com/callback#',
  'https://*.example.com/callback',
  'https://app.example.com/*',
  'https://user@app.example.com/callback',
  'https://user:pw@app.example.com/callback',
  'https://app.example.com\\@evil.example/callback',
  'https://app.example.com/call back',
  ' https://app.example.com/callback',
  'https://app.example.com/\ncallback',
  'https://app.example.com/\0',
  'https://bücher.example/callback',
  'http://app.example.com/callback',
  'http://localhost.evil.example/callback',
  'http://127.0.0.1.evil.example/callback',
  'com.example.app:/callback',
  `https://app.example.com/${'x'.repeat(2048)}`,
])('C5: does not let a web client register %j', (uri) => {
  expect(redirectUriProblem(uri, 'web')).toEqual(expect.any(String));
});

it.each(['com.example.app:/callback', 'http://127.0.0.1/callback', 'https://app.example.com/callback'])(
  'lets a native client register %s',
  (uri) => {
    expect(redirectUriProblem(uri, 'native')).toBeUndefined();
  },
);

it.each([
  'myapp:/callback',
  'javascript:alert(1)',
  'data:text/html,x',
  'https://localhost/callback',
  'http://app.example.com/',
])('C5: does not let a native client register %s', (uri) => {
  expect(redirectUriProblem(uri, 'native')).toEqual(expect.any(String));
});
