// One host by path: what is not this app's own is Sekisho's. SEKISHO_BASE_URL is then the host that browsers see.
export default {
  rewrites: async () => ({ fallback: [{ source: '/:path*', destination: `${process.env.ISSUER_URL}/:path*` }] }),
};
