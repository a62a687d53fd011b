package eni

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// ParseNetworkInterfaces reads a reply of DescribeNetworkInterfaces. A member of
// a wrong type is an error that names it; inside of one ENI it is that ENI's
// Problem, and told in Problems, as is a malformed MAC address. An ENI without an
// id is left out.
func ParseNetworkInterfaces(data []byte) (NetworkInterfacePage, error) {
	f, err := parseObject(data)
	if err != nil {
		return NetworkInterfacePage{}, err
	}
	if err := requireList(f, "NetworkInterfaceSets"); err != nil {
		return NetworkInterfacePage{}, err
	}
	page := NetworkInterfacePage{NextToken: f.str("NextToken"), TotalCount: f.count("TotalCount"), RequestID: f.str("RequestId")}
	for _, o := range f.objects("NetworkInterfaceSets", "NetworkInterfaceSet") {
		o.parent = nil // what is wrong with one ENI costs no other
		n := networkInterface(o)
		if o.err != nil {
			n.Problem = o.err.Error()
		}
		if n.Problem != "" {
			page.Problems = append(page.Problems, n.Problem)
		}
		if n.ID != "" {
			page.Interfaces = append(page.Interfaces, n)
		}
	}
	if f.err != nil {
		return NetworkInterfacePage{}, f.err
	}
	return page, nil
}

// ParseNetworkInterfaceAttribute reads a reply of DescribeNetworkInterfaceAttribute.
func ParseNetworkInterfaceAttribute(data []byte) (NetworkInterface, error) {
	f, err := parseObject(data)
	if err != nil {
		return NetworkInterface{}, err
	}
	n := networkInterface(f)
	if f.err != nil {
		return NetworkInterface{}, f.err
	}
	return n, nil
}

// ParseInstanceTypes reads a reply of DescribeInstanceTypes.
func ParseInstanceTypes(data []byte) (InstanceTypePage, error) {
	f, err := parseObject(data)
	if err != nil {
		return InstanceTypePage{}, err
	}
	if err := requireList(f, "InstanceTypes"); err != nil {
		return InstanceTypePage{}, err
	}
	page := InstanceTypePage{NextToken: f.str("NextToken"), RequestID: f.str("RequestId")}
	for _, o := range f.objects("InstanceTypes", "InstanceType") {
		page.Types = append(page.Types, instanceType(o))
	}
	if f.err != nil {
		return InstanceTypePage{}, f.err
	}
	return page, nil
}

// ParseInstances reads a reply of DescribeInstances.
func ParseInstances(data []byte) (InstancePage, error) {
	f, err := parseObject(data)
	if err != nil {
		return InstancePage{}, err
	}
	if err := requireList(f, "Instances"); err != nil {
		return InstancePage{}, err
	}
	page := InstancePage{NextToken: f.str("NextToken"), RequestID: f.str("RequestId")}
	for _, o := range f.objects("Instances", "Instance") {
		page.Instances = append(page.Instances, instance(o))
	}
	if f.err != nil {
		return InstancePage{}, f.err
	}
	return page, nil
}

// ParseIdentity reads the instance-identity document. Absent members stay "".
func ParseIdentity(data []byte) (Identity, error) {
	f, err := parseObject(data)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{
		InstanceID:     f.id("instance-id"),
		RegionID:       f.id("region-id"),
		ZoneID:         f.id("zone-id"),
		InstanceType:   f.id("instance-type"),
		OwnerAccountID: f.id("owner-account-id"),
	}
	if text := f.str("mac"); text != "" {
		if id.MAC, err = normalMAC(text); err != nil && f.err == nil {
			f.err = fmt.Errorf("mac: %w", err)
		}
	}
	if f.err == nil && id.RegionID != "" && !isDNSLabel(id.RegionID) {
		f.err = fmt.Errorf("region-id: want a region id such as cn-hangzhou, got %q", id.RegionID)
	}
	if f.err != nil {
		return Identity{}, f.err
	}
	return id, nil
}

// ParseMACs reads the metadata service's list of MAC addresses, one a line, each
// with a slash behind it. It returns them as they are listed, in their order,
// each address once. Lines that are none are skipped, unless all are: then it is
// no such list.
func ParseMACs(text string) ([]string, error) {
	var macs []string
	var broken error
	seen := make(map[string]bool)
	for line := range strings.Lines(text) {
		entry := strings.TrimSuffix(strings.TrimSpace(line), "/")
		if entry == "" {
			continue
		}
		mac, err := normalMAC(entry)
		if err != nil {
			broken = err
			continue
		}
		if !seen[mac] {
			seen[mac] = true
			macs = append(macs, entry)
		}
	}
	if len(macs) == 0 {
		return nil, broken
	}
	return macs, nil
}

// requireList tells a reply of the action from any other JSON: the wrapper of
// the list must be there, unless the reply counts zero objects.
func requireList(f *fields, name string) error {
	if f.has(name) {
		return nil
	}
	if n := f.count("TotalCount"); n != nil && *n == 0 {
		return nil
	}
	return fmt.Errorf("%s is missing", name)
}

func networkInterface(f *fields) NetworkInterface {
	n := NetworkInterface{
		ID:                 f.str("NetworkInterfaceId"),
		Name:               f.str("NetworkInterfaceName"),
		Description:        f.str("Description"),
		Type:               f.str("Type"),
		Status:             f.str("Status"),
		InstanceID:         f.str("InstanceId"),
		VpcID:              f.str("VpcId"),
		VSwitchID:          f.str("VSwitchId"),
		ZoneID:             f.str("ZoneId"),
		PrivateIP:          f.str("PrivateIpAddress"),
		IPv6s:              ipv6s(f),
		ServiceManaged:     f.isTrue("ServiceManaged"),
		ServiceID:          f.text("ServiceID"),
		QueueNumber:        f.count("QueueNumber"),
		QueuePairNumber:    f.count("QueuePairNumber"),
		RxQueueSize:        f.count("RxQueueSize"),
		TxQueueSize:        f.count("TxQueueSize"),
		TrafficMode:        f.str("NetworkInterfaceTrafficMode"),
		TrafficConfig:      trafficConfig(f.object("NetworkInterfaceTrafficConfig")),
		EnhancedNetwork:    enhancedNetwork(f.object("EnhancedNetwork")),
		ConnectionTracking: connectionTracking(f.object("ConnectionTrackingConfiguration")),
		Attachment:         attachment(f.object("Attachment")),
		Tags:               tags(f),
		SecurityGroupIDs:   f.strs("SecurityGroupIds", "SecurityGroupId"),
		DeleteOnRelease:    f.flag("DeleteOnRelease"),
		SourceDestCheck:    f.flag("SourceDestCheck"),
	}
	if n.ID == "" {
		f.fail("NetworkInterfaceId", "an ENI id", f.get("NetworkInterfaceId"))
	}
	if text := f.str("MacAddress"); text != "" {
		mac, err := normalMAC(text)
		if err != nil {
			n.Problem = fmt.Sprintf("%s: MacAddress: %v", oneLine(n.ID), err)
		}
		n.MAC = mac
	}
	return n
}

func trafficConfig(f *fields) *TrafficConfig {
	if f == nil {
		return nil
	}
	return &TrafficConfig{
		TrafficMode:     f.str("NetworkInterfaceTrafficMode"),
		QueueNumber:     f.count("QueueNumber"),
		QueuePairNumber: f.count("QueuePairNumber"),
		RxQueueSize:     f.count("RxQueueSize"),
		TxQueueSize:     f.count("TxQueueSize"),
	}
}

func enhancedNetwork(f *fields) *EnhancedNetwork {
	if f == nil {
		return nil
	}
	return &EnhancedNetwork{
		EnableSriov:                     f.flag("EnableSriov"),
		EnableRss:                       f.flag("EnableRss"),
		VirtualFunctionQuantity:         f.count("VirtualFunctionQuantity"),
		VirtualFunctionTotalQueueNumber: f.count("VirtualFunctionTotalQueueNumber"),
	}
}

func connectionTracking(f *fields) *ConnectionTracking {
	if f == nil {
		return nil
	}
	return &ConnectionTracking{
		TCPEstablishedTimeout:       f.count("TcpEstablishedTimeout"),
		TCPClosedAndTimeWaitTimeout: f.count("TcpClosedAndTimeWaitTimeout"),
		UDPTimeout:                  f.count("UdpTimeout"),
	}
}

func ipv6s(f *fields) []string {
	var addresses []string
	for _, o := range f.objects("Ipv6Sets", "Ipv6Set") {
		if a := o.str("Ipv6Address"); a != "" {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

func attachment(f *fields) Attachment {
	if f == nil {
		return Attachment{}
	}
	return Attachment{
		InstanceID:              f.str("InstanceId"),
		DeviceIndex:             f.count("DeviceIndex"),
		NetworkCardIndex:        f.count("NetworkCardIndex"),
		TrunkNetworkInterfaceID: f.str("TrunkNetworkInterfaceId"),
	}
}

func tags(f *fields) map[string]string {
	var tags map[string]string
	for _, o := range f.objects("Tags", "Tag") {
		if tags == nil {
			tags = make(map[string]string)
		}
		tags[o.str("TagKey")] = o.str("TagValue")
	}
	return tags
}

func instance(f *fields) Instance {
	in := Instance{
		ID:       f.str("InstanceId"),
		Name:     f.str("InstanceName"),
		Status:   f.str("Status"),
		Type:     f.str("InstanceType"),
		RegionID: f.str("RegionId"),
		ZoneID:   f.str("ZoneId"),
		OSType:   f.str("OSType"),
	}
	if in.ID == "" {
		f.fail("InstanceId", "an instance id", f.get("InstanceId"))
	}
	return in
}

func instanceType(f *fields) InstanceType {
	t := InstanceType{
		ID:                       f.str("InstanceTypeId"),
		Family:                   f.str("InstanceTypeFamily"),
		CpuCoreCount:             f.count("CpuCoreCount"),
		EniQuantity:              f.count("EniQuantity"),
		EniTotalQuantity:         f.count("EniTotalQuantity"),
		EriQuantity:              f.count("EriQuantity"),
		NetworkCardQuantity:      f.count("NetworkCardQuantity"),
		PrimaryEniQueueNumber:    f.count("PrimaryEniQueueNumber"),
		SecondaryEniQueueNumber:  f.count("SecondaryEniQueueNumber"),
		MaximumQueueNumberPerEni: f.count("MaximumQueueNumberPerEni"),
		TotalEniQueueQuantity:    f.count("TotalEniQueueQuantity"),
		QueuePairNumber:          f.count("QueuePairNumber"),
	}
	if e := f.object("EnhancedNetwork"); e != nil {
		t.SriovSupport = e.flag("SriovSupport")
		t.RssSupport = e.flag("RssSupport")
		t.VfQueueNumberPerEni = e.count("VfQueueNumberPerEni")
	}
	if t.ID == "" {
		f.fail("InstanceTypeId", "an instance type", f.get("InstanceTypeId"))
	}
	return t
}

// normalMAC returns a 48-bit MAC address in lower case with colons.
func normalMAC(text string) (string, error) {
	mac, err := net.ParseMAC(text)
	if err == nil && len(mac) != 6 {
		err = errors.New("wrong length")
	}
	if err != nil {
		return "", fmt.Errorf("want a MAC address such as 00:16:3e:00:00:01, got %q", shorten(oneLine(text), maxSnippet))
	}
	return mac.String(), nil
}
