/** Where the processes under test are: the addresses of config/demo.yaml. */
export const ISSUER = 'http://localhost:3000';
export const RESOURCE_API = 'http://localhost:3001';
export const PLAYGROUND = 'http://localhost:3002';
export const SAMPLE_WEB_APP = 'http://localhost:3003';
export const SAMPLE_SINGLE_PAGE_APP = 'http://localhost:3004';
