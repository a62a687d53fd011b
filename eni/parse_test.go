package eni

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const fullPage = `{
 "RequestId":"7A1B","TotalCount":2,"NextToken":"t2",
 "NetworkInterfaceSets":{"NetworkInterfaceSet":[
  {"NetworkInterfaceId":"eni-1","MacAddress":"00:16:3E:00:00:01","Type":"Primary","Status":"InUse","InstanceId":"i-1",
   "NetworkInterfaceName":"front","Description":null,"VpcId":"vpc-1","VSwitchId":"vsw-1","ZoneId":"cn-hangzhou-i","PrivateIpAddress":"10.0.0.4",
   "QueueNumber":4,"QueuePairNumber":0,"NetworkInterfaceTrafficMode":"Standard","ServiceManaged":false,"DeleteOnRelease":true,
   "Tags":{"Tag":[{"TagKey":"enitune:rx-queue-size","TagValue":"16384"},{"TagKey":"empty","TagValue":null},null]},
   "SecurityGroupIds":{"SecurityGroupId":["sg-1","sg-2"]},
   "Attachment":{"DeviceIndex":0,"InstanceId":"i-1","NetworkCardIndex":0},"NewFieldOfNextYear":{"a":[1]}},
  {"NetworkInterfaceId":"eni-2","MacAddress":"00-16-3e-00-00-02","Type":"Secondary","Status":"Available","InstanceId":null,
   "QueueNumber":null,"RxQueueSize":"8192","TxQueueSize":8192,"ServiceManaged":"true","ServiceID":1234567890123456,"Tags":"","Attachment":{},
   "NetworkInterfaceTrafficConfig":{"NetworkInterfaceTrafficMode":"HighPerformance","QueueNumber":"8","QueuePairNumber":16}}
 ]}}`

func TestParseNetworkInterfacesReadsEveryField(t *testing.T) {
	want := NetworkInterfacePage{
		RequestID:  "7A1B",
		NextToken:  "t2",
		TotalCount: new(2),
		Interfaces: []NetworkInterface{
			{
				ID: "eni-1", MAC: "00:16:3e:00:00:01", Name: "front", Type: "Primary", Status: "InUse", InstanceID: "i-1",
				VpcID: "vpc-1", VSwitchID: "vsw-1", ZoneID: "cn-hangzhou-i", PrivateIP: "10.0.0.4",
				QueueNumber: new(4), QueuePairNumber: new(0), TrafficMode: "Standard", DeleteOnRelease: new(true),
				Tags:             map[string]string{"enitune:rx-queue-size": "16384", "empty": ""},
				SecurityGroupIDs: []string{"sg-1", "sg-2"},
				Attachment:       Attachment{InstanceID: "i-1", DeviceIndex: new(0), NetworkCardIndex: new(0)},
			},
			{
				ID: "eni-2", MAC: "00:16:3e:00:00:02", Type: "Secondary", Status: "Available",
				ServiceManaged: true, ServiceID: "1234567890123456", RxQueueSize: new(8192), TxQueueSize: new(8192),
				TrafficConfig: &TrafficConfig{TrafficMode: "HighPerformance", QueueNumber: new(8), QueuePairNumber: new(16)},
			},
		},
	}
	got, err := ParseNetworkInterfaces([]byte(fullPage))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("page (-want +got):\n%s", d)
	}
}

func TestParseNetworkInterfacesKeepsTheOthersWhenOneMACIsMalformed(t *testing.T) {
	const reply = `{"NetworkInterfaceSets":{"NetworkInterfaceSet":[
		{"NetworkInterfaceId":"eni-bad","MacAddress":"zz:16:3e"},
		{"NetworkInterfaceId":"eni-ib","MacAddress":"00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01"},
		{"NetworkInterfaceId":"eni-none","MacAddress":null},
		{"NetworkInterfaceId":"eni-good","MacAddress":"00:16:3e:00:00:03"}]}}`
	page, err := ParseNetworkInterfaces([]byte(reply))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range page.Interfaces {
		got = append(got, n.ID+"="+n.MAC)
	}
	if d := cmp.Diff([]string{"eni-bad=", "eni-ib=", "eni-none=", "eni-good=00:16:3e:00:00:03"}, got); d != "" {
		t.Errorf("interfaces (-want +got):\n%s", d)
	}
	want := []string{
		`eni-bad: MacAddress: want a MAC address such as 00:16:3e:00:00:01, got "zz:16:3e"`,
		`eni-ib: MacAddress: want a MAC address such as 00:16:3e:00:00:01, got "00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01"`,
	}
	if d := cmp.Diff(want, page.Problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestParseNetworkInterfacesNamesTheFieldOfAWrongType(t *testing.T) {
	const element = "NetworkInterfaceSets.NetworkInterfaceSet[0]."
	for _, tt := range []struct{ name, reply, want string }{
		{"not JSON", `<html>`, "not valid JSON: "},
		{"truncated", `{"NetworkInterfaceSets":{"Net`, "not valid JSON: unexpected end"},
		{"an array", `[]`, "want an object, got an array"},
		{"null", `null`, "want an object, got null"},
		{"another reply", `{"RequestId":"x"}`, "NetworkInterfaceSets is missing"},
		{"sets", `{"NetworkInterfaceSets":[]}`, "NetworkInterfaceSets: want an object, got an array"},
		{"set", `{"NetworkInterfaceSets":{"NetworkInterfaceSet":{}}}`, "NetworkInterfaceSets.NetworkInterfaceSet: want an array, got an object"},
		{"element", eniReply(`7`), "NetworkInterfaceSets.NetworkInterfaceSet[0]: want an object, got 7"},
		{"no id", eniReply(`{}`), element + "NetworkInterfaceId: want an ENI id, got nothing"},
		{"token", `{"NextToken":5,"NetworkInterfaceSets":{}}`, "NextToken: want a string, got 5"},
		{"queue word", eniReply(`{"NetworkInterfaceId":"e","QueueNumber":"four"}`), element + `QueueNumber: want a whole number from 0 to 2147483647, got the string "four"`},
		{"queue negative", eniReply(`{"NetworkInterfaceId":"e","QueueNumber":-1}`), element + `QueueNumber: want a whole number from 0 to 2147483647, got -1`},
		{"queue fraction", eniReply(`{"NetworkInterfaceId":"e","QueueNumber":4.5}`), element + `QueueNumber: want a whole number from 0 to 2147483647, got 4.5`},
		{"queue huge", eniReply(`{"NetworkInterfaceId":"e","QueueNumber":2147483648}`), element + `QueueNumber: want a whole number from 0 to 2147483647, got 2147483648`},
		{"queue object", eniReply(`{"NetworkInterfaceId":"e","QueueNumber":{}}`), element + `QueueNumber: want a whole number from 0 to 2147483647, got an object`},
		{"managed", eniReply(`{"NetworkInterfaceId":"e","ServiceManaged":2}`), element + `ServiceManaged: want true or false, got 2`},
		{"traffic config", eniReply(`{"NetworkInterfaceId":"e","NetworkInterfaceTrafficConfig":{"RxQueueSize":[]}}`), element + `NetworkInterfaceTrafficConfig.RxQueueSize: want a whole number from 0 to 2147483647, got an array`},
		{"tag", eniReply(`{"NetworkInterfaceId":"e","Tags":{"Tag":[{"TagKey":1}]}}`), element + `Tags.Tag[0].TagKey: want a string, got 1`},
		{"group", eniReply(`{"NetworkInterfaceId":"e","SecurityGroupIds":{"SecurityGroupId":["a",false]}}`), element + `SecurityGroupIds.SecurityGroupId[1]: want a string, got false`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := ParseNetworkInterfaces([]byte(tt.reply))
			if strings.HasPrefix(tt.want, element) { // one ENI's own fault
				if err != nil || len(page.Problems) != 1 || !strings.HasPrefix(page.Problems[0], tt.want) {
					t.Errorf("error %v, problems %q, want %s", err, page.Problems, tt.want)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func eniReply(element string) string {
	return `{"NetworkInterfaceSets":{"NetworkInterfaceSet":[` + element + `]}}`
}

func TestParseNetworkInterfacesTakesEmptyListsInEveryForm(t *testing.T) {
	for _, reply := range []string{
		`{"NetworkInterfaceSets":{"NetworkInterfaceSet":[]}}`, `{"NetworkInterfaceSets":{}}`, `{"NetworkInterfaceSets":null}`,
		`{"NetworkInterfaceSets":""}`, `{"TotalCount":0,"RequestId":"x"}`, `{"NetworkInterfaceSets":{"NetworkInterfaceSet":null}}`,
	} {
		page, err := ParseNetworkInterfaces([]byte(reply))
		if err != nil || len(page.Interfaces) != 0 {
			t.Errorf("%s: %v, %v; want no interfaces", reply, page.Interfaces, err)
		}
	}
}

func TestParseNetworkInterfaceAttributeReadsEnhancedNetwork(t *testing.T) {
	got, err := ParseNetworkInterfaceAttribute([]byte(`{"RequestId":"r","NetworkInterfaceId":"eni-1",
		"EnhancedNetwork":{"EnableSriov":true,"VirtualFunctionQuantity":2,"VirtualFunctionTotalQueueNumber":8}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := NetworkInterface{ID: "eni-1", EnhancedNetwork: &EnhancedNetwork{
		EnableSriov: new(true), VirtualFunctionQuantity: new(2), VirtualFunctionTotalQueueNumber: new(8)}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("interface (-want +got):\n%s", d)
	}
}

func TestParseInstanceTypesLeavesAbsentQuotasNil(t *testing.T) {
	got, err := ParseInstanceTypes([]byte(`{"RequestId":"r","InstanceTypes":{"InstanceType":[
		{"InstanceTypeId":"ecs.g7.xlarge","InstanceTypeFamily":"ecs.g7","CpuCoreCount":4,"EniQuantity":4,"EniTotalQuantity":4,"EriQuantity":0,
		 "PrimaryEniQueueNumber":4,"SecondaryEniQueueNumber":4,"MaximumQueueNumberPerEni":4,"TotalEniQueueQuantity":16,"QueuePairNumber":0,
		 "NetworkCardQuantity":1,"EnhancedNetwork":{"SriovSupport":false,"VfQueueNumberPerEni":2}},
		{"InstanceTypeId":"ecs.u1-c1m4.xlarge","PrimaryEniQueueNumber":2,"SecondaryEniQueueNumber":2,"TotalEniQueueQuantity":6}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := InstanceTypePage{RequestID: "r", Types: []InstanceType{
		{
			ID: "ecs.g7.xlarge", Family: "ecs.g7", CpuCoreCount: new(4), EniQuantity: new(4), EniTotalQuantity: new(4), EriQuantity: new(0),
			PrimaryEniQueueNumber: new(4), SecondaryEniQueueNumber: new(4), MaximumQueueNumberPerEni: new(4), TotalEniQueueQuantity: new(16),
			QueuePairNumber: new(0), NetworkCardQuantity: new(1), SriovSupport: new(false), VfQueueNumberPerEni: new(2),
		},
		{ID: "ecs.u1-c1m4.xlarge", PrimaryEniQueueNumber: new(2), SecondaryEniQueueNumber: new(2), TotalEniQueueQuantity: new(6)},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("types (-want +got):\n%s", d)
	}
}

func TestParseIdentityReadsTheDocumentAndRefusesWhatIsNoId(t *testing.T) {
	for _, tt := range []struct {
		name, document, wantErr string
		want                    Identity
	}{
		{"full", `{"zone-id":"cn-hangzhou-i","instance-id":"i-1","region-id":"cn-hangzhou","instance-type":"ecs.g7.xlarge",
			"owner-account-id":1234567890123456,"mac":"00:16:3E:00:00:01","serial-number":"x"}`, "",
			Identity{InstanceID: "i-1", RegionID: "cn-hangzhou", ZoneID: "cn-hangzhou-i", InstanceType: "ecs.g7.xlarge",
				OwnerAccountID: "1234567890123456", MAC: "00:16:3e:00:00:01"}},
		{"empty", `{}`, "", Identity{}},
		{"region with a dot", `{"region-id":"evil.example"}`, `region-id: want a region id such as cn-hangzhou, got "evil.example"`, Identity{}},
		{"id with a line break", `{"instance-id":"i-1\ni-2"}`, `instance-id: want an id, got the string "i-1\ni-2"`, Identity{}},
		{"mac", `{"mac":"00:16"}`, `mac: want a MAC address such as 00:16:3e:00:00:01, got "00:16"`, Identity{}},
		{"html", `<html>`, "not valid JSON: invalid character '<' looking for beginning of value", Identity{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseIdentity([]byte(tt.document))
			if d := cmp.Diff(tt.wantErr, errText(err)); d != "" {
				t.Errorf("error (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("identity (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseMACsSkipsWhatIsNoneAndRefusesOtherText(t *testing.T) {
	for _, tt := range []struct {
		text, wantErr string
		want          []string
	}{
		{text: ""},
		{text: "00:16:3e:00:00:01/\n00:16:3E:00:00:02/\r\n\n00:16:3e:00:00:01", want: []string{"00:16:3e:00:00:01", "00:16:3E:00:00:02"}},
		{text: "00:16:3e:00:00:01/\nnonsense/", want: []string{"00:16:3e:00:00:01"}},
		{text: "<html>", wantErr: `want a MAC address such as 00:16:3e:00:00:01, got "<html>"`},
	} {
		got, err := ParseMACs(tt.text)
		if d := cmp.Diff(tt.want, got); d != "" || errText(err) != tt.wantErr {
			t.Errorf("ParseMACs(%q): error %v, want %q; (-want +got):\n%s", tt.text, err, tt.wantErr, d)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParseNetworkInterfaces(f *testing.F) {
	f.Add([]byte(fullPage))
	f.Add([]byte(eniReply(`{"NetworkInterfaceId":"e","MacAddress":"x","Tags":null}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		page, err := ParseNetworkInterfaces(data)
		if err != nil {
			checkText(t, err.Error())
			return
		}
		for _, n := range page.Interfaces {
			checkInterface(t, n)
		}
		for _, p := range page.Problems {
			checkText(t, p)
		}
	})
}

func FuzzParseNetworkInterfaceAttribute(f *testing.F) {
	f.Add([]byte(`{"NetworkInterfaceId":"eni-1","EnhancedNetwork":{"EnableSriov":"true"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := ParseNetworkInterfaceAttribute(data)
		if err != nil {
			checkText(t, err.Error())
			return
		}
		checkInterface(t, n)
	})
}

// checkInterface: an ENI that was read has an id, an address in one form or none,
// and counts that are counts.
func checkInterface(t *testing.T, n NetworkInterface) {
	t.Helper()
	if n.ID == "" || n.MAC != "" && len(n.MAC) != 17 || n.MAC != strings.ToLower(n.MAC) {
		t.Errorf("id %q, MAC %q", n.ID, n.MAC)
	}
	counts := []*int{n.QueueNumber, n.QueuePairNumber, n.RxQueueSize, n.TxQueueSize, n.Attachment.DeviceIndex, n.Attachment.NetworkCardIndex}
	if c := n.TrafficConfig; c != nil {
		counts = append(counts, c.QueueNumber, c.QueuePairNumber, c.RxQueueSize, c.TxQueueSize)
	}
	checkCounts(t, counts...)
}

func checkCounts(t *testing.T, counts ...*int) {
	t.Helper()
	for _, c := range counts {
		if c != nil && (*c < 0 || *c > 1<<31-1) {
			t.Errorf("a count of %d", *c)
		}
	}
}

func FuzzParseInstanceTypes(f *testing.F) {
	f.Add([]byte(`{"InstanceTypes":{"InstanceType":[{"InstanceTypeId":"ecs.g7.xlarge","EniQuantity":"4"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		page, err := ParseInstanceTypes(data)
		if err != nil {
			checkText(t, err.Error())
		}
		for _, typ := range page.Types {
			if typ.ID == "" {
				t.Error("a type without an id")
			}
			checkCounts(t, typ.EniQuantity, typ.EniTotalQuantity, typ.PrimaryEniQueueNumber, typ.SecondaryEniQueueNumber, typ.MaximumQueueNumberPerEni, typ.TotalEniQueueQuantity)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	f.Add([]byte(`{"instance-id":"i-1","region-id":"cn-hangzhou","mac":"00:16:3e:00:00:01"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := ParseIdentity(data)
		if err != nil {
			checkText(t, err.Error())
		}
		if id.RegionID != "" && !isDNSLabel(id.RegionID) {
			t.Errorf("region %q", id.RegionID)
		}
		for _, text := range []string{id.InstanceID, id.InstanceType, id.ZoneID, id.OwnerAccountID} {
			if text != "" && !isWord(text) {
				t.Errorf("%q is no word", text)
			}
		}
	})
}

func FuzzParseMACs(f *testing.F) {
	f.Add("00:16:3e:00:00:01/\n")
	f.Fuzz(func(t *testing.T, text string) {
		macs, err := ParseMACs(text)
		if err != nil {
			checkText(t, err.Error())
		}
		for _, mac := range macs {
			// It becomes a part of a path as it was listed.
			if normal, err := normalMAC(mac); err != nil || len(normal) != 17 || strings.Trim(mac, "0123456789abcdefABCDEF:-.") != "" {
				t.Errorf("MAC %q", mac)
			}
		}
	})
}

// checkText: whatever came, a message stays one bounded line.
func checkText(t *testing.T, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > 1000 {
		t.Errorf("not one bounded line: %q", text)
	}
}
