// Package enireport makes the documents that the `enitune eni` commands print:
// lists of ENIs, single ones, the limits of an instance type, and a change. They
// are values made by pure functions of what package eni reads. docs/json.md
// describes every field.
package enireport

import (
	"errors"
	"maps"
	"slices"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
)

// Version is that of every document here. Within it fields and values may be
// added; none is removed, renamed or given another meaning.
const Version = 1

// List is a list of ENIs.
type List struct {
	Version  int    `json:"version"`
	Region   string `json:"region"`
	Instance string `json:"instance"` // "" for all ENIs of the account
	ENIs     []ENI  `json:"enis"`
}

// One is a single ENI, with the NIC beside it where it is one of this guest's.
type One struct {
	Version int    `json:"version"`
	Region  string `json:"region"`
	ENI     ENI    `json:"eni"`
	NIC     *NIC   `json:"nic,omitempty"`
}

// ENI is an ENI as the API describes it. What the reply leaves out is absent.
type ENI struct {
	ID          string `json:"eni"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Status      string `json:"status"`
	MAC         string `json:"mac"`
	PrivateIP   string `json:"private_ip"`
	VPC         string `json:"vpc"`
	VSwitch     string `json:"vswitch"`
	Zone        string `json:"zone"`

	Instance   string      `json:"instance"`
	Attachment *Attachment `json:"attachment,omitempty"`

	ServiceManaged bool   `json:"service_managed"`
	Service        string `json:"service,omitempty"`

	Queues      *int `json:"queue_number,omitempty"`
	QueuePairs  *int `json:"queue_pair_number,omitempty"`
	RxQueueSize *int `json:"rx_queue_size,omitempty"`
	TxQueueSize *int `json:"tx_queue_size,omitempty"`

	TrafficMode   string         `json:"traffic_mode"`
	TrafficConfig *TrafficConfig `json:"traffic_config,omitempty"`
	Enhanced      *Enhanced      `json:"enhanced_network,omitempty"`
	Tracking      *Tracking      `json:"connection_tracking,omitempty"`

	SecurityGroups  []string `json:"security_group_ids"`
	DeleteOnRelease *bool    `json:"delete_on_release,omitempty"`
	SourceDestCheck *bool    `json:"source_dest_check,omitempty"`
	Tags            []Tag    `json:"tags"`
	Problem         string   `json:"problem,omitempty"`
}

// Attachment is where an ENI is attached.
type Attachment struct {
	DeviceIndex      *int   `json:"device_index,omitempty"`
	NetworkCardIndex *int   `json:"network_card_index,omitempty"`
	Trunk            string `json:"trunk,omitempty"`
}

// TrafficConfig is NetworkInterfaceTrafficConfig.
type TrafficConfig struct {
	Mode        string `json:"mode"`
	Queues      *int   `json:"queue_number,omitempty"`
	QueuePairs  *int   `json:"queue_pair_number,omitempty"`
	RxQueueSize *int   `json:"rx_queue_size,omitempty"`
	TxQueueSize *int   `json:"tx_queue_size,omitempty"`
}

// Enhanced is EnhancedNetwork: SR-IOV and RSS.
type Enhanced struct {
	Sriov    *bool `json:"enable_sriov,omitempty"`
	Rss      *bool `json:"enable_rss,omitempty"`
	VFQueues *int  `json:"virtual_function_total_queue_number,omitempty"`
	VFCount  *int  `json:"virtual_function_quantity,omitempty"`
}

// Tracking is ConnectionTrackingConfiguration, in seconds.
type Tracking struct {
	TCPEstablished       *int `json:"tcp_established_timeout,omitempty"`
	TCPClosedAndTimeWait *int `json:"tcp_closed_and_time_wait_timeout,omitempty"`
	UDP                  *int `json:"udp_timeout,omitempty"`
}

// Tag is a tag of an ENI.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// NIC is the guest's side of an ENI.
type NIC struct {
	Device   string       `json:"device"`
	Driver   string       `json:"driver"`
	Settings []NICSetting `json:"settings"`
}

// NICSetting is a setting of a NIC as the kernel gives it.
type NICSetting struct {
	Setting nic.Setting `json:"setting"`
	Current int         `json:"current"` // 0 if not known
	Max     int         `json:"max"`     // 0 if not known
	Error   string      `json:"error,omitempty"`
}

// FromENI describes an ENI.
func FromENI(n eni.NetworkInterface) ENI {
	e := ENI{
		ID: n.ID, Name: n.Name, Description: n.Description, Type: n.Type, Status: n.Status, MAC: n.MAC, PrivateIP: n.PrivateIP,
		VPC: n.VpcID, VSwitch: n.VSwitchID, Zone: n.ZoneID, Instance: AttachedTo(n),
		ServiceManaged: n.ServiceManaged, Service: n.ServiceID,
		Queues: n.QueueNumber, QueuePairs: n.QueuePairNumber, RxQueueSize: n.RxQueueSize, TxQueueSize: n.TxQueueSize,
		TrafficMode: n.TrafficMode, SecurityGroups: append([]string{}, n.SecurityGroupIDs...),
		DeleteOnRelease: n.DeleteOnRelease, SourceDestCheck: n.SourceDestCheck, Tags: []Tag{}, Problem: n.Problem,
	}
	if a := n.Attachment; a != (eni.Attachment{}) {
		e.Attachment = &Attachment{DeviceIndex: a.DeviceIndex, NetworkCardIndex: a.NetworkCardIndex, Trunk: a.TrunkNetworkInterfaceID}
	}
	if c := n.TrafficConfig; c != nil {
		e.TrafficConfig = &TrafficConfig{Mode: c.TrafficMode, Queues: c.QueueNumber, QueuePairs: c.QueuePairNumber, RxQueueSize: c.RxQueueSize, TxQueueSize: c.TxQueueSize}
	}
	if x := n.EnhancedNetwork; x != nil {
		e.Enhanced = &Enhanced{Sriov: x.EnableSriov, Rss: x.EnableRss, VFQueues: x.VirtualFunctionTotalQueueNumber, VFCount: x.VirtualFunctionQuantity}
	}
	if t := n.ConnectionTracking; t != nil {
		e.Tracking = &Tracking{TCPEstablished: t.TCPEstablishedTimeout, TCPClosedAndTimeWait: t.TCPClosedAndTimeWaitTimeout, UDP: t.UDPTimeout}
	}
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		e.Tags = append(e.Tags, Tag{key, n.Tags[key]})
	}
	return e
}

// FromENIs describes ENIs, in their order.
func FromENIs(list []eni.NetworkInterface) []ENI {
	out := []ENI{}
	for _, n := range list {
		out = append(out, FromENI(n))
	}
	return out
}

// FromNIC describes a NIC.
func FromNIC(st nic.State) NIC {
	n := NIC{Device: st.Name, Driver: st.Driver}
	for _, s := range nic.Settings() {
		r := st.Reading(s)
		row := NICSetting{Setting: s, Current: r.Current, Max: r.Max}
		switch {
		case errors.Is(r.Err, nic.ErrUnsupported):
			row.Error = "not supported by the driver"
		case r.Err != nil:
			row.Error = r.Err.Error()
		}
		n.Settings = append(n.Settings, row)
	}
	return n
}

// AttachedTo is the instance that an ENI is attached to; "" if it is to none, or
// if the API does not tell, as for an ENI of another cloud service.
func AttachedTo(n eni.NetworkInterface) string {
	if n.InstanceID != "" {
		return n.InstanceID
	}
	return n.Attachment.InstanceID
}
