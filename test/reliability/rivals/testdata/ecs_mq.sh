#!/bin/sh
# What ecs_mq does to channels, at boot and whenever a NIC is plugged in: each NIC
# named eth* gets as many as it offers, if that is more than one. The real one asks for
# combined channels, which virtio_net has; a veth pair has rx and tx ones. Its masks
# for RPS and XPS are left out: they take privileges outside of a user namespace, and
# enitune neither reads nor writes them.
for link in $(ip -o link show type veth | sed -n 's/^[0-9]*: \(eth[0-9]*\)@.*/\1/p'); do
	most=$(ethtool -l "$link" | awk '/Pre-set/ { maxima = 1 } /Current/ { maxima = 0 } maxima && $1 == "RX:" { print $2 }')
	[ "$most" -gt 1 ] || continue
	ethtool -L "$link" rx "$most" tx "$most"
done
exit 0 # it never tells that something failed
