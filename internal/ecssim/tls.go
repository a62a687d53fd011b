package ecssim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certificateLife is long enough for any lab and demo.
const certificateLife = 30 * 24 * time.Hour

// SelfSignedTLS makes a certificate authority and with it a certificate for
// hosts (names or IP addresses; none means localhost, 127.0.0.1 and ::1).
// caPEM is what a client has to trust, for example through SSL_CERT_FILE.
// The authority's key is thrown away.
func SelfSignedTLS(hosts ...string) (cert tls.Certificate, caPEM []byte, err error) {
	if len(hosts) == 0 {
		hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	ca, err := newCertificate("ecssim CA", nil, nil)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("making the authority: %w", err)
	}
	leaf, err := newCertificate("ecssim", hosts, ca)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("making the certificate for %v: %w", hosts, err)
	}
	cert = tls.Certificate{Certificate: [][]byte{leaf.parsed.Raw, ca.parsed.Raw}, PrivateKey: leaf.key, Leaf: leaf.parsed}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.parsed.Raw}), nil
}

type certificate struct {
	key    *ecdsa.PrivateKey
	parsed *x509.Certificate
}

// newCertificate makes a certificate that issuer signs; without an issuer it
// is an authority that signs itself.
func newCertificate(name string, hosts []string, issuer *certificate) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour), // a guest's clock may be behind
		NotAfter:              now.Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	signer := &certificate{key: key, parsed: template}
	if issuer != nil {
		signer = issuer
	} else {
		template.IsCA = true
		template.KeyUsage |= x509.KeyUsageCertSign
		template.ExtKeyUsage = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.parsed, &key.PublicKey, signer.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &certificate{key: key, parsed: parsed}, nil
}
