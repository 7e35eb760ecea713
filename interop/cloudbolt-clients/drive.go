// Drives the vendor's Go client through what it has calls for, and prints what it decoded, as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/cloudboltsoftware/cloudbolt-go-sdk/cbclient"
)

var client *cbclient.CloudBoltClient

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func hrefOf(kind string, name string) string {
	found, err := client.GetCloudBoltObject(kind, name)
	must(err)
	return found.Links.Self.Href
}

func orderEnded(id string) *cbclient.CloudBoltOrder {
	for begun := time.Now(); time.Since(begun) < 2*time.Minute; time.Sleep(200 * time.Millisecond) {
		order, err := client.GetOrder(id)
		must(err)
		if order.Status == "SUCCESS" || order.Status == "WARNING" || order.Status == "FAILURE" {
			return order
		}
	}
	log.Fatalf("order %s did not end", id)
	return nil
}

func jobEnded(href string) *cbclient.CloudBoltJob {
	for begun := time.Now(); time.Since(begun) < 2*time.Minute; time.Sleep(200 * time.Millisecond) {
		job, err := client.GetJob(href)
		must(err)
		if job.Status == "SUCCESS" || job.Status == "WARNING" || job.Status == "FAILURE" {
			return job
		}
	}
	log.Fatalf("job %s did not end", href)
	return nil
}

func act(href string) *cbclient.CloudBoltJob {
	result, err := client.SubmitAction(href)
	must(err)
	return jobEnded(result.RunActionJob.Self.Href)
}

func item(name string, parameters map[string]interface{}) []map[string]interface{} {
	return []map[string]interface{}{{
		"bp-item-name":    name,
		"bp-item-paramas": parameters,
		"environment":     hrefOf("environments", "Local"),
		"os-build":        hrefOf("os-builds", os.Getenv("OS_BUILD")),
	}}
}

func main() {
	client = cbclient.New("http", os.Getenv("HOST"), os.Getenv("PORT"), "v2", "admin", os.Getenv("PASSWORD"), nil)
	told := map[string]interface{}{}

	// The first call has no token: the client signs in because it was refused, and asks again.
	blueprint, err := client.GetCloudBoltObject("blueprints", "Custom Server")
	must(err)
	told["blueprint"] = blueprint
	group, err := client.GetGroup("Default")
	must(err)
	nested, err := client.GetGroup(os.Getenv("NESTED_GROUP"))
	must(err)
	told["group"], told["nested"] = group, nested
	_, err = client.GetGroup("Default/" + nested.Name)
	told["not nested there"] = fmt.Sprint(err)
	_, err = client.GetCloudBoltObject("blueprints", "No Such Blueprint")
	told["not there"] = fmt.Sprint(err)

	order, err := client.DeployBlueprint(group.Links.Self.Href, blueprint.Links.Self.Href, "of the Go client",
		item("build-item-Server", map[string]interface{}{"cpu-cnt": "1", "mem-size": "1 GB"}))
	must(err)
	told["ordered"] = order
	order = orderEnded(order.ID)
	told["order"] = order
	jobs := []*cbclient.CloudBoltJob{}
	for _, link := range order.Links.Jobs {
		jobs = append(jobs, jobEnded(link.Href))
	}
	told["jobs"] = jobs
	href := jobs[len(jobs)-1].Links.Servers[0].Href
	server, err := client.GetServer(href)
	must(err)
	told["server"] = server
	for _, action := range server.Links.Actions {
		if action.PowerOff.Href != "" {
			told["power off"] = act(action.PowerOff.Href)
		}
	}
	off, err := client.GetServer(href)
	must(err)
	told["off"] = off

	// An order that is refused: the client asks a second time, and nothing may come of either.
	_, err = client.DeployBlueprint(group.Links.Self.Href, blueprint.Links.Self.Href, "refused",
		item("build-item-Server", map[string]interface{}{"no-such-parameter": "1"}))
	told["refused"] = fmt.Sprint(err)

	service, err := client.DeployBlueprint(group.Links.Self.Href, hrefOf("blueprints", "Web Service"), "service of the Go client",
		item("build-item-Server", map[string]interface{}{}))
	must(err)
	service = orderEnded(service.ID)
	deployed := jobEnded(service.Links.Jobs[0].Href)
	told["service job"] = deployed
	resource, err := client.GetResource(deployed.Links.Resource.Href)
	must(err)
	told["resource"] = resource
	for _, action := range resource.Links.Actions {
		if action.Delete.Href != "" {
			told["delete"] = act(action.Delete.Href)
		}
	}
	deleted, err := client.GetResource(deployed.Links.Resource.Href)
	must(err)
	told["deleted"] = deleted

	decommission, err := client.DecomOrder(server.Links.Group.Href, server.Links.Environment.Href, []string{href})
	must(err)
	told["decommission"] = orderEnded(decommission.ID)
	gone, err := client.GetServer(href)
	must(err)
	told["gone"] = gone

	text, err := json.Marshal(told)
	must(err)
	fmt.Println(string(text))
}
